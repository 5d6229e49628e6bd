#include "trust/kernel_config.h"

namespace assay {

namespace {

// What is off is not kept, but for this option: a list that leaves it out says nothing of it.
constexpr std::string_view kModules = "CONFIG_MODULES";

}  // namespace

Result<KernelConfig> KernelConfig::parse(std::string_view text) {
  KernelConfig config;
  config.known_ = true;
  std::uint64_t offset = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    const Extent where{offset, line.size()};
    text.remove_prefix(std::min(end + 1, text.size()));
    offset += end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == "# CONFIG_MODULES is not set") config.set(std::string(kModules), "n");
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t equals = line.find('=');
    if (!line.starts_with("CONFIG_") || equals == line.npos)
      return fail(Reason::bad_value, where, "expected CONFIG_NAME=value");
    std::string_view value = line.substr(equals + 1);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
      value = value.substr(1, value.size() - 2);
    config.set(std::string(line.substr(0, equals)), std::string(value));
  }
  return config;
}

std::optional<std::string_view> KernelConfig::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second == "n") return std::nullopt;
  return found->second;
}

void KernelConfig::set(std::string name, std::string value) {
  known_ = true;
  if (value == "n" && name != kModules)
    values_.erase(name);
  else
    values_.insert_or_assign(std::move(name), std::move(value));
}

Truth KernelConfig::is_on(std::string_view name) const {
  if (!known_) return Truth::unknown;
  const auto value = find(name);
  return truth(value == "y" || value == "m");
}

Truth KernelConfig::is_built_in(std::string_view name) const {
  if (!known_) return Truth::unknown;
  return truth(find(name) == "y");
}

}  // namespace assay
