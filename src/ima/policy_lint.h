// ima/policy_lint.h - rules that a kernel takes and that hardly do what they say.

#pragma once

#include <vector>

#include "ima/policy_check.h"
#include "ima/policy_rule.h"

namespace assay {

// `earlier` are the rules before it in the file.
std::vector<PolicyNote> lint_ima_rule(const ImaRule& rule, const std::vector<ImaRule>& earlier);

// Does every event that `rule` matches match `earlier` first?
bool shadows(const ImaRule& earlier, const ImaRule& rule);

}  // namespace assay
