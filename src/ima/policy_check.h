// ima/policy_check.h - a policy file, line by line: what a kernel would make of each rule, and what
// is odd about those that it takes.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ima/policy_parse.h"

namespace assay {

// Something that the kernel takes and that hardly does what its author meant.
struct PolicyNote {
  std::string id;    // "shadowed"
  std::string text;  // a sentence
};

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

// Rules only: neither comments nor blank lines. Each is judged by itself, as the first custom
// policy; in a kernel one line that is refused loses the whole file.
std::vector<CheckedPolicyLine> check_ima_policy(const KernelId& kernel, std::string_view policy,
                                                const KernelConfig& config,
                                                const KernelCrypto& crypto);

}  // namespace assay
