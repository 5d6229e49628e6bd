// testing/process.h - child processes, for tests that compare us with real tools.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace assay {

struct Finished {
  int status = -1;                // exit status; 128 + signal; 127 where the program was not found
  std::vector<std::uint8_t> out;  // standard output
  std::string error;              // standard error
};

// Runs `command` (the program is looked for in $PATH) with `input` on standard input, and waits.
Finished run_command(const std::vector<std::string>& command,
                     std::span<const std::uint8_t> input = {});

}  // namespace assay
