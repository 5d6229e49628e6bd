// ima/policy_parse.h - a line of an IMA policy, read as the kernel reads it.
//
// Mirrors ima_parse_rule and ima_validate_rule (security/integrity/ima/ima_policy.c): the same
// words in the same order, with the rules of ima/policy.def. What the kernel's version or
// configuration decides and the platform leaves open is settled by the walk.

#pragma once

#include <string_view>
#include <vector>

#include "base/extent.h"
#include "ima/policy_rule.h"
#include "signatures/kernel_crypto.h"
#include "signatures/walk.h"
#include "trust/kernel_config.h"

namespace assay {

// What the reading of a rule depends on, beside the kernel's version. Refers to the platform's
// values, which outlive it.
struct ImaPolicyContext {
  const KernelConfig& config;
  const KernelCrypto& crypto;
  // A custom policy is in force: labels that no security module knows are then let through.
  bool custom_policy = false;
  const ImaTemplate* custom_template = nullptr;  // ima_template_fmt=
};

struct ParsedImaRule {
  ImaRule rule;       // as far as it was read
  Outcome outcome;    // failed: what is wrong with it; its step has the place of the word
  Extent word;        // the word at fault; the whole rule where that is wrong as a whole
  bool read = false;  // to the last word: what is wrong, if anything, is the rule as a whole
};

// One rule, without comment line or leading blanks. `offset` is its place in the file.
ParsedImaRule parse_ima_rule(Walk& walk, std::string_view text, std::uint64_t offset,
                             const ImaPolicyContext& context);

// Does a security module of this kernel know labels in rules at all? Unknown where one is built in.
Truth knows_labels(const KernelConfig& config);

// A line of a policy file, as ima_parse_add_rule takes it: to a newline or a NUL.
struct ImaPolicyLine {
  std::string_view text;     // without leading blanks
  std::uint64_t offset = 0;  // of text
  unsigned number = 0;       // from 1, as an editor counts
  bool is_rule = false;      // neither blank nor a comment
};
std::vector<ImaPolicyLine> split_ima_policy(std::string_view policy);

}  // namespace assay
