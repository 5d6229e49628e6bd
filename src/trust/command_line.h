// trust/command_line.h - the words of a kernel command line, split as the kernel splits them.
//
// Mirrors next_arg (lib/cmdline.c): blanks separate, a word may stand in quotes, and so may the
// value after its equals sign.

#pragma once

#include <optional>
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

// kstrtobool (lib/kstrtox.c): "y", "T", "1", "on", "no", "F", "0", "off" and what begins so.
std::optional<bool> parse_kernel_bool(std::string_view text);

// The values that the switch `name` is given, in order: true without an equals sign, and none where
// the kernel would complain of the value (param_set_bool).
std::vector<bool> switch_values(const std::vector<BootParameter>& parameters,
                                std::string_view name);

}  // namespace assay
