#include "judge/ima_door.h"

#include <fmt/format.h>

#include <ranges>

namespace assay {

namespace {

// "appraise func=MODULE_CHECK ...": a rule without func is for every hook.
bool appraises(std::string_view rule, std::string_view hook) {
  const std::size_t start = rule.find_first_not_of(" \t");
  if (start == rule.npos) return false;
  rule.remove_prefix(start);
  const std::string padded = fmt::format(" {} ", rule);
  if (rule.starts_with('#') || padded.find(" appraise ") == padded.npos) return false;
  const std::size_t func = padded.find(" func=");
  if (func == padded.npos) return true;
  const std::string_view name = std::string_view(padded).substr(func + 6);
  return name.substr(0, name.find_first_of(" \t")) == hook;
}

std::optional<std::string> find_in(const std::vector<std::string>& rules, std::string_view hook) {
  for (const std::string& rule : rules)
    if (appraises(rule, hook)) return rule;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_appraisal_rule(const Platform& platform, std::string_view hook) {
  if (platform.config.is_on("CONFIG_IMA_APPRAISE") == Truth::no) return std::nullopt;
  for (const std::string& text : platform.ima.policy) {
    std::vector<std::string> rules;
    for (const auto line : text | std::views::split('\n'))
      rules.emplace_back(line.begin(), line.end());
    if (const auto rule = find_in(rules, hook)) return rule;
  }
  if (platform.ima.initial_rules) return find_in(*platform.ima.initial_rules, hook);
  // Where the rules in force are not known, the built-in policies that appraise are.
  for (const std::string& name : platform.ima.builtin_names.value_or(std::vector<std::string>()))
    if (name == "secure_boot" || name == "appraise_tcb") return "ima_policy=" + name;
  for (const std::string_view option :
       {"ima_policy=secure_boot", "ima_policy=appraise_tcb", "ima_appraise_tcb"})
    if (platform.has_option(option) == Truth::yes) return std::string(option);
  return std::nullopt;
}

}  // namespace assay
