// ima/builtin_policy.h - the rules that a kernel has before anybody loads a policy.

#pragma once

#include <string>
#include <vector>

#include "ima/policy_parse.h"
#include "ima/policy_rule.h"

namespace assay {

// Where a rule comes from.
enum class RuleOrigin : std::uint8_t {
  dont_measure,   // before either measurement policy
  original_tcb,   // ima_tcb
  tcb,            // ima_policy=tcb
  efi,            // the architecture's: x86 and arm64 under Secure Boot
  power_trusted,  // powerpc, trusted boot alone
  power_both,     // powerpc, secure and trusted boot
  power_secure,   // powerpc, secure boot
  secure_boot,    // ima_policy=secure_boot
  build_time,     // CONFIG_IMA_APPRAISE_BUILD_POLICY
  appraise_tcb,   // ima_policy=appraise_tcb
  critical_data,  // ima_policy=critical_data
  custom,         // loaded by the user
};
std::string_view rule_origin_name(RuleOrigin origin);  // "secure_boot policy", "custom policy"
bool is_arch_policy(RuleOrigin origin);

struct PolicyRule {
  ImaRule rule;
  RuleOrigin origin;
  unsigned number;     // of a custom rule its line, of others its place in their policy; from 1
  std::string source;  // as it was written
};

struct BuiltinRules {
  std::vector<PolicyRule> rules;
  std::vector<std::string> skipped;  // rules of the architecture that do not parse
  // IMA_APPRAISE_ bits that the kernel notes as it reads them: also of most rules that it skips.
  std::uint32_t appraise_bits = 0;
};

// The rules of one of these policies that this kernel has. Those of the architecture are text in
// the kernel, and go through its parser.
BuiltinRules builtin_rules(Walk& walk, RuleOrigin policy, const ImaPolicyContext& context);

// IMA_APPRAISE_ of a hook; 0 for those that have none.
std::uint32_t appraise_bit(ImaHook hook);

}  // namespace assay
