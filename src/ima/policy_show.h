// ima/policy_show.h - a rule as the kernel shows it when the policy is read back (ima_policy_show).

#pragma once

#include <string>

#include "ima/policy_rule.h"
#include "signatures/walk.h"

namespace assay {

// Without newline; empty for an inactive rule, which is not shown. A file system's name is cut at
// 63 characters, as the kernel cuts it.
std::string show_ima_rule(Walk& walk, const ImaRule& rule);

}  // namespace assay
