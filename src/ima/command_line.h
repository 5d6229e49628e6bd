// ima/command_line.h - the words of a kernel command line, split as the kernel splits them.
//
// Mirrors next_arg (lib/cmdline.c): blanks separate, a word may stand in quotes, and so may the
// value after its equals sign.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct BootParameter {
  std::string name;  // with hyphens as underscores, which the kernel does not tell apart
  std::string value;
  bool has_value = false;
};

// Up to "--", behind which the first process has its arguments.
std::vector<BootParameter> parse_command_line(std::string_view line);

}  // namespace assay
