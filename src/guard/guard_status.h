// guard/guard_status.h - the guard of the running kernel at a glance.

#pragma once

#include <string>
#include <vector>

#include "guard/live_guard.h"

namespace assay {

struct GuardStatus {
  abi::guard_conf conf{};
  abi::guard_stats stats{};
  std::vector<LiveProgram> programs;
  std::uint32_t added = 0;
  GuardVariant variant = GuardVariant::buffer;
  std::vector<std::string> problems;  // why it does not do what it says; empty: it does

  GuardStance stance(std::size_t class_number) const {
    return static_cast<GuardStance>(conf.mode[class_number]);
  }
  bool is_body() const { return (conf.flags & GUARD_BODY) != 0; }
};
// usage where none is armed.
Result<GuardStatus> read_guard_status();

}  // namespace assay
