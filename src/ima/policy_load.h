// ima/policy_load.h - loading a custom policy: one opening of /sys/kernel/security/ima/policy.
//
// Mirrors ima_fs.c. What is written between opening and closing is in force together or not at all;
// that it is not, close(2) does not say.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ima/state.h"

namespace assay {

class ImaPolicySession {
 public:
  // Changes `state` when it is closed. All outlive the session.
  ImaPolicySession(Walk& walk, ImaState& state, const ImaSetup& setup)
      : walk_(walk), state_(state), setup_(setup) {}

  // open(2) for writing, by root.
  Outcome open();

  // One write(2) of text: one rule, to the first newline or NUL. A path, which begins with a slash,
  // is for load().
  Outcome write(std::string_view data);

  // One write(2) of a path, of whose file kernel_read_file gave `content`.
  Outcome load(std::string_view content);
  // The same, where the file could not be read or was refused.
  void fail() { is_valid_ = false; }

  // Whether what was written is now in force.
  bool close();

  // The cause= of the audit records so far, in order.
  const std::vector<std::string>& causes() const { return causes_; }
  // What the writes have said.
  unsigned rule_count() const { return static_cast<unsigned>(rules_.size()); }
  // The line that was refused, from 1; 0: none was.
  unsigned refused_line() const { return refused_line_; }

 private:
  Outcome add_line(const ImaPolicyLine& line);

  Walk& walk_;
  ImaState& state_;
  const ImaSetup& setup_;
  std::vector<PolicyRule> rules_;
  std::uint32_t appraise_bits_ = 0;
  unsigned lines_ = 0;
  unsigned refused_line_ = 0;
  bool is_valid_ = true;
  std::vector<std::string> causes_;
};

}  // namespace assay
