#include "ima/state.h"

#include <algorithm>

namespace assay {

namespace {

bool is_on(Walk& walk, const KernelConfig& config, std::string_view option) {
  return walk.settle(config.is_on(option), "config: " + std::string(option));
}

// A configuration that is not known has the one or the other of the two that are common.
std::string string_option(Walk& walk, const KernelConfig& config, std::string_view option,
                          std::string_view common, std::string_view other) {
  if (const auto value = config.find(option)) return std::string(*value);
  const bool is_common =
      config.is_known() || walk.settle(Truth::unknown, "config: " + std::string(option));
  return std::string(is_common ? common : other);
}

}  // namespace

ImaState::ImaState(Walk& walk, const ImaSetup& setup) {
  hash_ = find_hash_algo("sha1");
  if (!is_on(walk, setup.config, "CONFIG_IMA")) return;
  const std::string template_name =
      string_option(walk, setup.config, "CONFIG_IMA_DEFAULT_TEMPLATE", "ima-ng", "ima-sig");
  if (setup.command_line) {
    options_ = parse_ima_boot_options(walk, parse_command_line(*setup.command_line), template_name);
  } else if (!walk.settle(Truth::unknown, "kernel.cmdline")) {
    // A command line that is not known names no policy, or the strictest.
    options_.secure_boot = true;
    options_.appraise_tcb = true;
    options_.fail_securely = true;
  }
  set_appraise(walk, setup);
  set_hash(walk, setup);
  if (const ImaTemplate* found = find_ima_template(template_name, nullptr)) template_ = *found;
  if (options_.tmpl) template_ = *options_.tmpl;

  if (options_.tcb != TcbPolicy::none) {
    add(walk, RuleOrigin::dont_measure, setup, true, false);
    add(walk, options_.tcb == TcbPolicy::original ? RuleOrigin::original_tcb : RuleOrigin::tcb,
        setup, true, false);
  }
  add_arch_rules(walk, setup);
  if (options_.secure_boot) add(walk, RuleOrigin::secure_boot, setup, true, false);
  add(walk, RuleOrigin::build_time, setup, !options_.secure_boot, true);
  if (options_.appraise_tcb) add(walk, RuleOrigin::appraise_tcb, setup, true, false);
  if (options_.critical_data) add(walk, RuleOrigin::critical_data, setup, true, false);
  update_flags();
}

// ima_appraise_parse_cmdline: under Secure Boot the parameter is not heard. In 6.1 IMA learns of
// Secure Boot only where the architecture's policy is built.
void ImaState::set_appraise(Walk& walk, const ImaSetup& setup) {
  if (!is_on(walk, setup.config, "CONFIG_IMA_APPRAISE")) return;
  appraise_ = appraise_mode::kEnforce;
  const bool said = options_.appraise || !setup.command_line;
  if (!said || !is_on(walk, setup.config, "CONFIG_IMA_APPRAISE_BOOTPARAM")) return;
  const bool deaf_61 = walk.covers(Scope::until(kAnchor61)) &&
                       !is_on(walk, setup.config, "CONFIG_IMA_SECURE_AND_OR_TRUSTED_BOOT");
  if (!deaf_61 && walk.settle(setup.secure_boot, "state.secure_boot")) return;
  if (!setup.command_line && walk.settle(Truth::unknown, "kernel.cmdline: ima_appraise")) return;
  const std::string_view mode = options_.appraise ? std::string_view(*options_.appraise) : "log";
  if (mode.starts_with("off")) appraise_ = 0;
  if (mode.starts_with("log")) appraise_ = appraise_mode::kLog;
  if (mode.starts_with("fix")) appraise_ = appraise_mode::kFix;
}

// init_ima: where the digest asked for cannot be had, the one of the configuration.
void ImaState::set_hash(Walk& walk, const ImaSetup& setup) {
  const auto has = [&](const HashAlgo* algo) {
    return algo != nullptr && walk.settle(has_hash_algo(*algo, setup.crypto, setup.config),
                                          "algorithm: " + std::string(algo->name));
  };
  if (has(options_.hash)) {
    hash_ = options_.hash;
    return;
  }
  if (template_.name == "ima" || (options_.tmpl && options_.tmpl->name == "ima"))
    return;  // has no room for others than sha1
  const std::string name =
      string_option(walk, setup.config, "CONFIG_IMA_DEFAULT_HASH", "sha256", "sha1");
  if (const HashAlgo* algo = find_hash_algo(name)) hash_ = algo;
}

void ImaState::add(Walk& walk, RuleOrigin policy, const ImaSetup& setup, bool to_default,
                   bool to_custom) {
  BuiltinRules built = builtin_rules(walk, policy, policy_context(setup));
  noted_bits_ |= built.appraise_bits;
  std::ranges::move(built.skipped, std::back_inserter(skipped_));
  if (to_default) std::ranges::copy(built.rules, std::back_inserter(default_));
  if (to_custom) std::ranges::move(built.rules, std::back_inserter(custom_));
}

// arch_get_ima_policy: ima_efi.c, arch/powerpc/kernel/ima_arch.c. s390 has none.
void ImaState::add_arch_rules(Walk& walk, const ImaSetup& setup) {
  if (walk.kernel().arch == Arch::s390x) return;
  if (!is_on(walk, setup.config, "CONFIG_IMA_SECURE_AND_OR_TRUSTED_BOOT")) return;
  if (walk.kernel().arch != Arch::ppc64le) {
    if (!is_on(walk, setup.config, "CONFIG_EFI") ||
        !is_on(walk, setup.config, "CONFIG_IMA_ARCH_POLICY"))
      return;
    if (walk.settle(setup.secure_boot, "state.secure_boot"))
      add(walk, RuleOrigin::efi, setup, true, true);
    return;
  }
  if (!is_on(walk, setup.config, "CONFIG_PPC_SECURE_BOOT")) return;
  const bool secure = walk.settle(setup.secure_boot, "state.secure_boot");
  const bool trusted = walk.settle(setup.trusted_boot, "state.trusted_boot");
  if (trusted)
    add(walk, secure ? RuleOrigin::power_both : RuleOrigin::power_trusted, setup, true, true);
  if (secure) add(walk, RuleOrigin::power_secure, setup, true, true);
}

void ImaState::update_flags() {
  classes_ = {};
  for (const PolicyRule& each : rules()) {
    if (each.rule.func == ImaHook::setxattr_check) {
      if (setxattr_algos_ == 0) setxattr_algos_ = each.rule.allowed_algos;
      continue;
    }
    classes_.measure = classes_.measure || each.rule.action == ImaAction::measure;
    classes_.appraise = classes_.appraise || each.rule.action == ImaAction::appraise;
    classes_.audit = classes_.audit || each.rule.action == ImaAction::audit;
    classes_.hash = classes_.hash || each.rule.action == ImaAction::hash;
  }
  appraise_ |= noted_bits_;
  if (appraise_ == 0) classes_.appraise = false;
}

ImaPolicyContext ImaState::policy_context(const ImaSetup& setup) const {
  return {setup.config, setup.crypto, is_custom_,
          options_.custom_template ? &*options_.custom_template : nullptr};
}

void ImaState::replace_rules(std::vector<PolicyRule> rules) {
  for (const PolicyRule& each : rules)
    if (each.rule.action == ImaAction::appraise) noted_bits_ |= appraise_bit(each.rule.func);
  default_ = std::move(rules);
  is_custom_ = false;
  update_flags();
}

void ImaState::add_custom_rules(std::vector<PolicyRule> rules, std::uint32_t appraise_bits) {
  std::ranges::move(rules, std::back_inserter(custom_));
  noted_bits_ |= appraise_bits;
  is_custom_ = true;
  update_flags();
}

}  // namespace assay
