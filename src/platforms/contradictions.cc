#include "platforms/contradictions.h"

#include <fmt/format.h>

#include <array>

#include "trust/boot_state.h"

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
  const Truth has_module_sig = config.is_on("CONFIG_MODULE_SIG");
  const Truth locks = truth(has_lockdown(platform) != Truth::no && config.is_known());
  const Lockdown built_in = lockdown_of_config(config);
  const Lockdown asked_for = lockdown_of_command_line(platform);
  const std::array forces = {
      Forces{"nomodule", says_nomodule(platform), "state.modules_disabled = false",
             is_off(state.modules_disabled)},
      Forces{"CONFIG_MODULE_SIG_FORCE", config.is_on("CONFIG_MODULE_SIG_FORCE"),
             "state.sig_enforce = false", is_off(state.sig_enforce)},
      Forces{"module.sig_enforce", has_module_sig && says_sig_enforce(platform),
             "state.sig_enforce = false", is_off(state.sig_enforce)},
      Forces{asked_for == Lockdown::integrity ? "lockdown=integrity" : "lockdown=confidentiality",
             locks, "a lower state.lockdown", is_below(state.lockdown, asked_for)},
      Forces{built_in == Lockdown::integrity ? "CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY"
                                             : "CONFIG_LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY",
             locks, "a lower state.lockdown", is_below(state.lockdown, built_in)},
  };
  for (const Forces& force : forces)
    if (force.holds == Truth::yes && force.contradicted)
      return fail(
          Reason::bad_value, {},
          fmt::format("{} contradicts {} (override = true insists)", force.state, force.cause));
  return {};
}

}  // namespace assay
