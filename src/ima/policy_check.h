// ima/policy_check.h - a policy file, line by line: what a kernel would make of each rule, and what
// is odd about those that it takes.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ima/policy_lint.h"
#include "ima/policy_parse.h"

namespace assay {

struct CheckedPolicyLine {
  unsigned number = 0;  // from 1
  std::string text;
  Truth accepted = Truth::unknown;
  Errno err = Errno::none;        // what write(2) returns; none where it is taken, or open
  const Rule* decides = nullptr;  // the rule that does not hold
  std::string word;               // the word at fault
  Extent where;                   // in the file
  std::vector<std::string> open;  // what would have to be known
  std::string shown;              // how the kernel shows it
  std::vector<PolicyNote> notes;
};

struct CheckedPolicy {
  std::vector<CheckedPolicyLine> lines;  // rules only: neither comments nor blank lines
  unsigned accepted = 0;
  unsigned refused = 0;
  unsigned open = 0;
  // Would the kernel have it? It takes a policy whole or not at all, and one without a rule not.
  Truth loads = Truth::no;
  std::vector<PolicyNote> notes;  // on the policy as a whole, where it loads
};

// Each rule is judged by itself, as one of the first custom policy; `setup` is the kernel that it
// is loaded into, of which the command line names built-in policies.
CheckedPolicy check_ima_policy(const KernelId& kernel, std::string_view policy,
                               const ImaSetup& setup);

}  // namespace assay
