#include "ima/builtin_policy.h"

#include <algorithm>

#include "ima/appraise_mode.h"

namespace assay {

namespace {

struct BuiltinRow {
  RuleOrigin origin;
  std::string_view text;
  std::string_view options;
  Scope scope;
};

constexpr BuiltinRow kRows[] = {
#define BUILTIN_RULE(policy, rule, options, scope) {RuleOrigin::policy, rule, options, scope},
#include "ima/builtin_policies.def"
#undef BUILTIN_RULE
};

bool is_built(Walk& walk, const BuiltinRow& row, const KernelConfig& config) {
  if (!walk.covers(row.scope)) return false;
  std::string_view left = row.options;
  while (!left.empty()) {
    const std::size_t end = std::min(left.find(' '), left.size());
    std::string_view option = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    const bool must_be_off = option.starts_with('!');
    if (must_be_off) option.remove_prefix(1);
    const bool on = walk.settle(config.is_on(option), "config: " + std::string(option));
    if (on == must_be_off) return false;
  }
  return true;
}

// A rule that stands in the kernel as a structure: no option of the parser bears on it.
ImaRule rule_of_table(std::string_view text) {
  KernelConfig config;
  config.set("CONFIG_IMA_APPRAISE_MODSIG", "y");
  const KernelCrypto crypto;
  Walk walk(KernelId{}, {}, false);
  ImaRule rule = parse_ima_rule(walk, text, 0, {config, crypto}).rule;
  if (!rule.has(ima_flag::kModsigAllowed)) rule.flags &= ~ima_flag::kCheckBlacklist;
  return rule;
}

}  // namespace

std::string_view rule_origin_name(RuleOrigin origin) {
  switch (origin) {
    case RuleOrigin::dont_measure:
    case RuleOrigin::original_tcb:
    case RuleOrigin::tcb: return "tcb policy";
    case RuleOrigin::efi:
    case RuleOrigin::power_trusted:
    case RuleOrigin::power_both:
    case RuleOrigin::power_secure: return "architecture policy";
    case RuleOrigin::secure_boot: return "secure_boot policy";
    case RuleOrigin::build_time: return "build-time policy";
    case RuleOrigin::appraise_tcb: return "appraise_tcb policy";
    case RuleOrigin::critical_data: return "critical_data policy";
    case RuleOrigin::custom: return "custom policy";
  }
  return "";
}

bool is_arch_policy(RuleOrigin origin) {
  return origin >= RuleOrigin::efi && origin <= RuleOrigin::power_secure;
}

std::uint32_t appraise_bit(ImaHook hook) {
  switch (hook) {
    case ImaHook::module_check: return appraise_mode::kModules;
    case ImaHook::firmware_check: return appraise_mode::kFirmware;
    case ImaHook::policy_check: return appraise_mode::kPolicy;
    case ImaHook::kexec_kernel_check: return appraise_mode::kKexec;
    default: return 0;
  }
}

BuiltinRules builtin_rules(Walk& walk, RuleOrigin policy, const ImaPolicyContext& context) {
  BuiltinRules built;
  for (const BuiltinRow& row : kRows) {
    if (row.origin != policy || !is_built(walk, row, context.config)) continue;
    ImaRule rule;
    bool noted = true;
    if (is_arch_policy(policy)) {
      const ParsedImaRule parsed = parse_ima_rule(walk, row.text, 0, context);
      noted = !(parsed.read && parsed.outcome.failed());
      rule = parsed.rule;
      if (parsed.outcome.failed()) built.skipped.emplace_back(row.text);
    } else {
      rule = rule_of_table(row.text);
    }
    if (noted && rule.action == ImaAction::appraise) built.appraise_bits |= appraise_bit(rule.func);
    if (!built.skipped.empty() && built.skipped.back() == row.text) continue;
    const auto number = static_cast<unsigned>(built.rules.size() + 1);
    built.rules.push_back({std::move(rule), policy, number, std::string(row.text)});
  }
  return built;
}

}  // namespace assay
