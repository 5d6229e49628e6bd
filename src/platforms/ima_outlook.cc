#include "platforms/ima_outlook.h"

#include <algorithm>
#include <array>

namespace assay {

namespace {

constexpr std::string_view kKexec = "KEXEC_KERNEL_CHECK";

// The value of "func=" in a rule; empty where it has none.
std::string_view word_of(std::string_view rule, std::string_view key) {
  while (!rule.empty()) {
    const std::size_t end = std::min(rule.find(' '), rule.size());
    const std::string_view word = rule.substr(0, end);
    if (word.starts_with(key)) return word.substr(key.size());
    rule.remove_prefix(std::min(end + 1, rule.size()));
  }
  return {};
}

bool is_for(std::string_view rule, std::string_view action, std::string_view func) {
  if (!rule.starts_with(action) || rule.substr(action.size(), 1) != " ") return false;
  const std::string_view named = word_of(rule, "func=");
  return named.empty() || named == func;
}

bool names_policy(const Platform& platform, std::string_view name) {
  const std::string cmdline = platform.cmdline.value_or("");
  std::string_view rest = cmdline;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    constexpr std::string_view kKey = "ima_policy=";
    if (!word.starts_with(kKey)) continue;
    word.remove_prefix(kKey.size());
    while (!word.empty()) {  // names stand between '|'
      const std::size_t bar = std::min(word.find('|'), word.size());
      if (word.substr(0, bar) == name) return true;
      word.remove_prefix(std::min(bar + 1, word.size()));
    }
  }
  const auto& names = platform.ima.builtin_names;
  return names && std::ranges::find(*names, name) != names->end();
}

class BootRules {
 public:
  explicit BootRules(const Platform& platform) : platform_(platform) {}

  ImaOutlook collect() && {
    if (platform_.config.is_on("CONFIG_IMA_ARCH_POLICY") != Truth::no) add_arch_rules();
    const bool is_replaced = !platform_.ima.policy.empty();
    if (names_policy(platform_, "secure_boot") && !is_replaced) {
      for (const std::string_view func :
           {"MODULE_CHECK", "FIRMWARE_CHECK", "KEXEC_KERNEL_CHECK", "POLICY_CHECK"})
        add_appraise(func, "imasig");
    } else {
      struct Required {
        std::string_view option;
        std::string_view func;
      };
      for (const Required& one :
           {Required{"CONFIG_IMA_APPRAISE_REQUIRE_MODULE_SIGS", "MODULE_CHECK"},
            Required{"CONFIG_IMA_APPRAISE_REQUIRE_FIRMWARE_SIGS", "FIRMWARE_CHECK"},
            Required{"CONFIG_IMA_APPRAISE_REQUIRE_KEXEC_SIGS", kKexec},
            Required{"CONFIG_IMA_APPRAISE_REQUIRE_POLICY_SIGS", "POLICY_CHECK"}})
        if (is_on(one.option)) add_appraise(one.func, "imasig");
    }
    const bool appraises_all = names_policy(platform_, "appraise_tcb") ||
                               platform_.has_option("ima_appraise_tcb") == Truth::yes;
    if (appraises_all && !is_replaced) outlook_.rules.emplace_back("appraise fowner=0");
    // What decides which of these rules are there.
    outlook_.is_whole = platform_.ima.policy_is_known && platform_.config.is_known() &&
                        platform_.cmdline && platform_.state.secure_boot;
    return std::move(outlook_);
  }

 private:
  bool is_on(std::string_view option) const { return platform_.config.is_on(option) == Truth::yes; }

  void add_appraise(std::string_view func, std::string_view type) {
    outlook_.rules.push_back("appraise func=" + std::string(func) +
                             " appraise_type=" + std::string(type));
  }
  void add_measure(std::string_view func) {
    outlook_.rules.push_back("measure func=" + std::string(func));
  }

  void add_arch_rules() {
    if (!is_on("CONFIG_IMA_ARCH_POLICY")) return;
    const bool secure = platform_.state.secure_boot.value_or(false);
    switch (platform_.kernel.arch) {
      case Arch::x86_64:
      case Arch::arm64:
        if (!secure) return;
        if (!is_on("CONFIG_KEXEC_SIG")) add_appraise(kKexec, "imasig");
        add_measure(kKexec);
        if (!is_on("CONFIG_MODULE_SIG")) add_appraise("MODULE_CHECK", "imasig");
        add_measure("MODULE_CHECK");
        return;
      case Arch::ppc64le:
        if (platform_.state.trusted_boot.value_or(false)) {
          add_measure(kKexec);
          add_measure("MODULE_CHECK");
        }
        if (!secure) return;
        add_appraise(kKexec, "imasig|modsig");
        if (!is_on("CONFIG_MODULE_SIG")) add_appraise("MODULE_CHECK", "imasig|modsig");
        return;
      case Arch::s390x:
      case Arch::riscv64: return;
    }
  }

  const Platform& platform_;
  ImaOutlook outlook_;
};

Truth is_asked(const ImaOutlook& outlook, std::string_view action, std::string_view func) {
  if (std::ranges::any_of(outlook.rules,
                          [&](const std::string& rule) { return is_for(rule, action, func); }))
    return Truth::yes;
  return outlook.is_whole ? Truth::no : Truth::unknown;
}

}  // namespace

ImaOutlook ima_outlook(const Platform& platform) {
  if (platform.config.is_on("CONFIG_IMA") == Truth::no) return {{}, true};
  ImaOutlook outlook;
  if (platform.ima.initial_rules) {
    outlook.rules = *platform.ima.initial_rules;
    outlook.is_whole = true;
  } else {
    outlook = BootRules(platform).collect();
  }
  for (const std::string& policy : platform.ima.policy) {
    std::string_view rest = policy;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      outlook.rules.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return outlook;
}

Truth is_appraised(const ImaOutlook& outlook, std::string_view func) {
  return is_asked(outlook, "appraise", func);
}

Truth is_measured(const ImaOutlook& outlook, std::string_view func) {
  return is_asked(outlook, "measure", func);
}

ImaForKexec ima_for_kexec(const Platform& platform) {
  ImaForKexec ima;
  const KernelConfig& config = platform.config;
  const Truth appraises = config.is_on("CONFIG_IMA_APPRAISE");
  if (appraises == Truth::no) return ima;
  const ImaOutlook outlook = ima_outlook(platform);
  ima.refuses_kexec_load = appraises && is_appraised(outlook, kKexec);
  // Without INTEGRITY_TRUSTED_KEYRING the function says no (include/linux/ima.h).
  const Truth asks = appraises && config.is_on("CONFIG_INTEGRITY_TRUSTED_KEYRING");
  if (asks == Truth::no) return ima;
  ima.appraises_signature = outlook.is_whole ? asks && Truth::no : Truth::unknown;
  for (const std::string& rule : outlook.rules) {
    if (!is_for(rule, "appraise", kKexec)) continue;
    // The first that matches decides.
    const std::string_view type = word_of(rule, "appraise_type=");
    ima.appraises_signature =
        asks && truth(type.starts_with("imasig") || type.starts_with("sigv3"));
    break;
  }
  return ima;
}

}  // namespace assay
