// ima/policy_lint.h - rules and policies that a kernel takes and that hardly do what they say.

#pragma once

#include <string>
#include <vector>

#include "ima/builtin_policy.h"
#include "ima/state.h"

namespace assay {

// Something that the kernel takes and that hardly does what its author meant.
struct PolicyNote {
  std::string id;    // "shadowed"
  std::string text;  // a sentence
};

// `earlier` are the rules that are asked before it: built-in ones that stay, then those of the
// file.
std::vector<PolicyNote> lint_ima_rule(const ImaRule& rule, const std::vector<PolicyRule>& earlier);

// What becomes of the policy as a whole: `rules` are those in force once it is loaded into a kernel
// that is in state `booted` (nothing: not known), with the configuration of `setup`.
std::vector<PolicyNote> lint_ima_policy(const std::vector<PolicyRule>& rules,
                                        const ImaState* booted, const ImaSetup& setup);

// Does every event that `rule` matches match `earlier` first?
bool shadows(const ImaRule& earlier, const ImaRule& rule);

// "line 3", "rule 2 of the secure_boot policy".
std::string place_of(const PolicyRule& rule);

}  // namespace assay
