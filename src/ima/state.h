// ima/state.h - IMA in a running kernel: the rules in force and what follows from them.
//
// Mirrors ima_init_policy, ima_update_policy and ima_update_policy_flags (ima_policy.c), and
// ima_appraise_parse_cmdline (ima_appraise.c).

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ima/appraise_mode.h"
#include "ima/boot_options.h"
#include "ima/builtin_policy.h"

namespace assay {

// What IMA starts from. Refers to the platform's values, which outlive it.
struct ImaSetup {
  const KernelConfig& config;
  const KernelCrypto& crypto;
  std::optional<std::string> command_line;
  Truth secure_boot = Truth::unknown;   // what arch_get_secureboot answers
  Truth trusted_boot = Truth::unknown;  // powerpc
};

// Classes of actions that some rule in force has: the kernel's ima_policy_flag.
struct ImaClasses {
  bool measure = false;
  bool appraise = false;
  bool audit = false;
  bool hash = false;
  bool any() const { return measure || appraise || audit || hash; }
};

class ImaState {
 public:
  // As it is after boot. What the setup leaves open is settled by the walk.
  ImaState(Walk& walk, const ImaSetup& setup);

  // The rules in force, in the order in which they are asked.
  const std::vector<PolicyRule>& rules() const { return is_custom_ ? custom_ : default_; }
  bool has_custom_policy() const { return is_custom_; }
  const ImaClasses& classes() const { return classes_; }
  std::uint32_t appraise() const { return appraise_; }  // appraise_mode bits
  bool enforces() const { return (appraise_ & appraise_mode::kEnforce) != 0; }
  bool fixes() const { return (appraise_ & appraise_mode::kFix) != 0; }
  bool fails_securely() const { return options_.fail_securely; }
  // Digests that security.ima may be set to; 0: no rule says. Fixed by the first such rule.
  std::uint32_t setxattr_algos() const { return setxattr_algos_; }
  const HashAlgo& hash() const { return *hash_; }  // ima_hash=
  const ImaTemplate& default_template() const { return template_; }
  const ImaBootOptions& options() const { return options_; }
  const std::vector<std::string>& skipped_arch_rules() const { return skipped_; }

  ImaPolicyContext policy_context(const ImaSetup& setup) const;

  // ima_update_policy: from now on the rules of architecture and build, and all custom ones.
  void add_custom_rules(std::vector<PolicyRule> rules, std::uint32_t appraise_bits);

  // The rules in force are known to be these, wherever they come from.
  void replace_rules(std::vector<PolicyRule> rules);

 private:
  void set_appraise(Walk& walk, const ImaSetup& setup);
  void set_hash(Walk& walk, const ImaSetup& setup);
  void add(Walk& walk, RuleOrigin policy, const ImaSetup& setup, bool to_default, bool to_custom);
  void add_arch_rules(Walk& walk, const ImaSetup& setup);
  void update_flags();

  ImaBootOptions options_;
  std::vector<PolicyRule> default_;
  std::vector<PolicyRule> custom_;
  bool is_custom_ = false;
  std::uint32_t appraise_ = 0;
  std::uint32_t noted_bits_ = 0;  // build_ima_appraise, temp_ima_appraise
  std::uint32_t setxattr_algos_ = 0;
  ImaClasses classes_;
  const HashAlgo* hash_ = nullptr;
  ImaTemplate template_;
  std::vector<std::string> skipped_;
};

}  // namespace assay
