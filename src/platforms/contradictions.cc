#include "platforms/contradictions.h"

#include <fmt/format.h>

#include <array>

namespace assay {

namespace {

// What a configuration or a command line makes true for good: nothing can undo it after boot.
struct Forces {
  std::string_view cause;
  Truth holds;
  std::string_view state;
  bool contradicted;
};

bool is_off(const std::optional<bool>& value) { return value && !*value; }

bool is_below(const std::optional<Lockdown>& value, Lockdown least) {
  return value && *value < least;
}

}  // namespace

Result<void> check_contradictions(const Platform& platform) {
  const PlatformState& state = platform.state;
  const KernelConfig& config = platform.config;
  // Each Kconfig option and boot parameter needs the code it speaks to.
  const Truth has_lockdown = config.is_on("CONFIG_SECURITY_LOCKDOWN_LSM");
  const Truth has_module_sig = config.is_on("CONFIG_MODULE_SIG");
  const std::array forces = {
      Forces{"CONFIG_MODULE_SIG_FORCE", config.is_on("CONFIG_MODULE_SIG_FORCE"),
             "state.sig_enforce = false", is_off(state.sig_enforce)},
      Forces{"module.sig_enforce=1", has_module_sig && platform.has_option("module.sig_enforce=1"),
             "state.sig_enforce = false", is_off(state.sig_enforce)},
      Forces{"module.sig_enforce", has_module_sig && platform.has_option("module.sig_enforce"),
             "state.sig_enforce = false", is_off(state.sig_enforce)},
      Forces{"lockdown=integrity", has_lockdown && platform.has_option("lockdown=integrity"),
             "state.lockdown = \"none\"", is_below(state.lockdown, Lockdown::integrity)},
      Forces{"lockdown=confidentiality",
             has_lockdown && platform.has_option("lockdown=confidentiality"),
             "a lower state.lockdown", is_below(state.lockdown, Lockdown::confidentiality)},
      Forces{"CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY",
             config.is_on("CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY"), "state.lockdown = \"none\"",
             is_below(state.lockdown, Lockdown::integrity)},
      Forces{"CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY",
             config.is_on("CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY"),
             "a lower state.lockdown", is_below(state.lockdown, Lockdown::confidentiality)},
  };
  for (const Forces& force : forces)
    if (force.holds == Truth::yes && force.contradicted)
      return fail(
          Reason::bad_value, {},
          fmt::format("{} contradicts {} (override = true insists)", force.state, force.cause));
  return {};
}

}  // namespace assay
