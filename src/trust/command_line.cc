#include "trust/command_line.h"

#include <algorithm>

namespace assay {

namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view unquoted(std::string_view text) {
  if (!text.starts_with('"')) return text;
  text.remove_prefix(1);
  if (text.ends_with('"')) text.remove_suffix(1);
  return text;
}

BootParameter parameter_of(std::string_view word) {
  const bool quoted = word.starts_with('"');
  word = unquoted(word);
  const std::size_t equals = word.find('=');
  BootParameter parameter;
  parameter.name = word.substr(0, equals);
  std::ranges::replace(parameter.name, '-', '_');
  if (equals != word.npos && equals != 0) {
    parameter.has_value = true;
    const std::string_view value = word.substr(equals + 1);
    parameter.value = quoted ? value : unquoted(value);
  }
  return parameter;
}

}  // namespace

std::vector<BootParameter> parse_command_line(std::string_view line) {
  std::vector<BootParameter> parameters;
  std::size_t at = 0;
  while (true) {
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at == line.size()) return parameters;
    const std::size_t start = at;
    for (bool quoted = false; at < line.size() && (quoted || !is_blank(line[at])); ++at)
      if (line[at] == '"') quoted = !quoted;
    const std::string_view word = line.substr(start, at - start);
    if (word == "--") return parameters;
    parameters.push_back(parameter_of(word));
  }
}

std::optional<bool> parse_kernel_bool(std::string_view text) {
  const auto begins_with_one_of = [&](std::string_view letters) {
    return !text.empty() && letters.contains(text.front());
  };
  if (begins_with_one_of("yYtT1")) return true;
  if (begins_with_one_of("nNfF0")) return false;
  if (!begins_with_one_of("oO")) return std::nullopt;
  text.remove_prefix(1);
  if (begins_with_one_of("nN")) return true;
  if (begins_with_one_of("fF")) return false;
  return std::nullopt;
}

std::vector<bool> switch_values(const std::vector<BootParameter>& parameters,
                                std::string_view name) {
  std::vector<bool> values;
  for (const BootParameter& parameter : parameters) {
    if (parameter.name != name) continue;
    const auto value = parameter.has_value ? parse_kernel_bool(parameter.value) : true;
    if (value) values.push_back(*value);
  }
  return values;
}

}  // namespace assay
