#include "trust/boot_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "trust/command_line.h"

namespace assay {

namespace {

std::vector<BootParameter> parameters_of(const Platform& platform) {
  return parse_command_line(platform.cmdline.value_or(""));
}

// The value of the last parameter of this name.
std::optional<std::string> last_value(const Platform& platform, std::string_view name) {
  std::optional<std::string> last;
  for (BootParameter& parameter : parameters_of(platform))
    if (parameter.name == name && parameter.has_value) last = std::move(parameter.value);
  return last;
}

bool lists(std::string_view list, std::string_view word) {
  while (true) {
    const std::size_t end = list.find(',');
    if (list.substr(0, end) == word) return true;
    if (end == list.npos) return false;
    list.remove_prefix(end + 1);
  }
}

std::uint64_t command_line_size(const Platform& platform) {
  constexpr std::uint64_t kS390 = 4096;  // arch/s390/Kconfig
  switch (platform.kernel.arch) {
    case Arch::s390x: {
      const std::string_view text = platform.config.find("CONFIG_COMMAND_LINE_SIZE").value_or("");
      std::uint64_t size = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
      return error == std::errc() && end == text.data() + text.size() ? size : kS390;
    }
    case Arch::riscv64: return platform.kernel.version <= kAnchor612 ? 1024 : 2048;
    case Arch::x86_64:
    case Arch::arm64:
    case Arch::ppc64le: return 2048;
  }
  return kS390;
}

// setup_boot_config, init/main.c.
bool may_have_boot_config(const Platform& platform) {
  if (platform.config.is_on("CONFIG_BOOT_CONFIG") == Truth::no) return false;
  return platform.config.is_on("CONFIG_BOOT_CONFIG_FORCE") == Truth::yes ||
         std::ranges::any_of(parse_command_line(*platform.cmdline),
                             [](const auto& word) { return word.name == "bootconfig"; });
}

}  // namespace

Result<void> check_command_line(const Platform& platform) {
  constexpr std::uint64_t kBootConfig = 32 * limits::kKiB;  // XBC_DATA_MAX, linux/bootconfig.h
  const std::uint64_t size = platform.cmdline ? platform.cmdline->size() : 0;
  const std::uint64_t limit = command_line_size(platform);
  if (size < limit || (size < limit + kBootConfig && may_have_boot_config(platform))) return {};
  return fail(Reason::limit_size, {},
              fmt::format("a command line of {} bytes, the kernel takes {}", size, limit - 1));
}

Truth has_modules(const Platform& platform) {
  const KernelConfig& config = platform.config;
  if (!config.is_known()) return Truth::unknown;
  const auto said = config.values().find("CONFIG_MODULES");
  return truth(said == config.values().end() || said->second != "n");
}

Truth says_nomodule(const Platform& platform) {
  if (!platform.cmdline) return Truth::unknown;
  const std::vector<bool> said = switch_values(parameters_of(platform), "nomodule");
  return truth(!said.empty() && said.back());
}

// Where the command line does not, root may have set it since.
Truth modules_disabled(const Platform& platform) {
  if (platform.state.modules_disabled) return truth(*platform.state.modules_disabled);
  return says_nomodule(platform) == Truth::yes ? Truth::yes : Truth::unknown;
}

std::optional<std::string> module_blacklist(const Platform& platform) {
  return last_value(platform, "module_blacklist");
}

Truth denies_module(const Platform& platform, std::string_view name) {
  if (!platform.cmdline) return Truth::unknown;
  const auto list = module_blacklist(platform);
  return truth(list && !name.empty() && lists(*list, name));
}

Truth denies_modules(const Platform& platform) {
  if (!platform.cmdline) return Truth::unknown;
  const auto list = module_blacklist(platform);
  return truth(list && list->find_first_not_of(',') != list->npos);
}

Truth says_sig_enforce(const Platform& platform) {
  if (!platform.cmdline) return Truth::unknown;
  const std::vector<bool> said = switch_values(parameters_of(platform), "module.sig_enforce");
  return truth(std::ranges::find(said, true) != said.end());
}

Lockdown lockdown_of_config(const KernelConfig& config) {
  if (config.is_on("CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY") == Truth::yes)
    return Lockdown::confidentiality;
  if (config.is_on("CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY") == Truth::yes)
    return Lockdown::integrity;
  return Lockdown::none;
}

Lockdown lockdown_of_command_line(const Platform& platform) {
  Lockdown asked_for = Lockdown::none;
  for (const BootParameter& parameter : parameters_of(platform))
    if (parameter.name == "lockdown")
      for (const Lockdown level : {Lockdown::integrity, Lockdown::confidentiality})
        if (parameter.value == lockdown_name(level)) asked_for = std::max(asked_for, level);
  return asked_for;
}

Truth has_lockdown(const Platform& platform) {
  const KernelConfig& config = platform.config;
  const Truth built_in = config.is_on("CONFIG_SECURITY_LOCKDOWN_LSM");
  if (built_in != Truth::yes) return built_in;
  if (config.is_on("CONFIG_SECURITY_LOCKDOWN_LSM_EARLY") == Truth::yes) return Truth::yes;
  if (!platform.cmdline) return Truth::unknown;
  if (const auto list = last_value(platform, "lsm")) return truth(lists(*list, "lockdown"));
  const auto built_in_list = config.find("CONFIG_LSM");
  return built_in_list ? truth(lists(*built_in_list, "lockdown")) : Truth::unknown;
}

}  // namespace assay
