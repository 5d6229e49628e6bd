#include "platforms/ima_outlook.h"

#include <algorithm>
#include <tuple>

#include "ima/policy_load.h"
#include "ima/policy_show.h"
#include "ima/state.h"
#include "signatures/explore.h"

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

// After boot and with the custom policies.
std::vector<std::string> rules_after(Walk& walk, const Platform& platform) {
  const Truth trusted =
      platform.state.trusted_boot ? truth(*platform.state.trusted_boot) : Truth::unknown;
  const ImaSetup setup{platform.config, platform.signatures.crypto, platform.cmdline,
                       platform.secure_boot(), trusted};
  ImaState state(walk, setup);
  for (const std::string& policy : platform.ima.policy) {
    ImaPolicySession session(walk, state, setup);
    if (session.open().failed()) continue;
    // By its path: a kernel that wants policies signed takes them in no other way.
    const bool has_end = policy.empty() || policy.ends_with('\n');
    std::ignore = session.load(has_end ? policy : policy + '\n');
    session.close();
  }
  std::vector<std::string> shown;
  for (const PolicyRule& rule : state.rules()) shown.push_back(show_ima_rule(walk, rule.rule));
  return shown;
}

Truth is_asked(const ImaOutlook& outlook, std::string_view action, std::string_view func) {
  if (std::ranges::any_of(outlook.rules,
                          [&](const std::string& rule) { return is_for(rule, action, func); }))
    return Truth::yes;
  return outlook.is_whole() ? Truth::no : Truth::unknown;
}

}  // namespace

ImaOutlook ima_outlook(const Platform& platform) {
  if (platform.config.is_on("CONFIG_IMA") == Truth::no) return {};
  if (platform.ima.initial_rules && platform.ima.policy.empty())
    return {*platform.ima.initial_rules, {}};
  auto explored = explore(
      platform.kernel, false, [&](Walk& walk) { return rules_after(walk, platform); },
      [](const auto& a, const auto& b) { return a == b; });
  ImaOutlook outlook{std::move(explored.first), std::move(explored.open)};
  // A way in which something was assumed says nothing for certain.
  if (!outlook.open.empty()) outlook.rules.clear();
  if (!platform.ima.policy_is_known && platform.ima.policy.empty())
    outlook.open.emplace_back("ima.policy");
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
  ima.appraises_signature = outlook.is_whole() ? asks && Truth::no : Truth::unknown;
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
