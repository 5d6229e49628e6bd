#include "ima/policy_check.h"

#include "ima/policy_explain.h"
#include "ima/policy_show.h"
#include "signatures/explore.h"

namespace assay {

namespace {

// The kernel after boot, where its configuration leaves nothing open; without a configuration, one
// in which nothing of IMA is missing.
std::optional<ImaState> find_booted(const KernelId& kernel, const ImaSetup& setup) {
  Walk walk(kernel, {}, false);
  const KernelConfig all = config_with_all_of_ima();
  const ImaSetup used{setup.config.is_known() ? setup.config : all, setup.crypto,
                      setup.command_line, setup.secure_boot, setup.trusted_boot};
  ImaState booted(walk, used);
  if (!walk.choices().empty()) return std::nullopt;
  return booted;
}

// Rules of the kernel that stay before those of a custom policy.
std::vector<PolicyRule> rules_that_stay(const std::optional<ImaState>& booted) {
  std::vector<PolicyRule> rules;
  if (!booted) return rules;
  ImaState loaded = *booted;
  loaded.add_custom_rules({}, 0);
  return loaded.rules();
}

CheckedPolicyLine check_line(const KernelId& kernel, const ImaPolicyLine& line,
                             const ImaPolicyContext& context, std::string_view policy,
                             std::vector<PolicyRule>& earlier) {
  const auto explored = explore(
      kernel, false,
      [&](Walk& walk) { return parse_ima_rule(walk, line.text, line.offset, context); },
      [](const ParsedImaRule& a, const ParsedImaRule& b) { return a.outcome == b.outcome; });
  const ParsedImaRule& parsed = explored.first;
  CheckedPolicyLine result;
  result.number = line.number;
  result.text = line.text;
  result.open = explored.open;
  result.where = parsed.word;
  if (!explored.open.empty()) return result;
  result.accepted = truth(!parsed.outcome.failed());
  if (parsed.outcome.failed()) {
    result.err = parsed.outcome.err;
    result.decides = explored.walk.steps()[static_cast<std::size_t>(parsed.outcome.step)].rule;
    result.word = policy.substr(parsed.word.offset, parsed.word.size);
    return result;
  }
  Walk walk = explored.walk;
  result.shown = show_ima_rule(walk, parsed.rule);
  result.notes = lint_ima_rule(parsed.rule, earlier);
  earlier.push_back({parsed.rule, RuleOrigin::custom, line.number, std::string(line.text)});
  return result;
}

}  // namespace

CheckedPolicy check_ima_policy(const KernelId& kernel, std::string_view policy,
                               const ImaSetup& setup) {
  const ImaPolicyContext context{setup.config, setup.crypto};
  const std::optional<ImaState> booted = find_booted(kernel, setup);
  std::vector<PolicyRule> rules = rules_that_stay(booted);
  CheckedPolicy checked;
  for (const ImaPolicyLine& line : split_ima_policy(policy)) {
    if (!line.is_rule) continue;
    CheckedPolicyLine result = check_line(kernel, line, context, policy, rules);
    ++(result.accepted == Truth::yes  ? checked.accepted
       : result.accepted == Truth::no ? checked.refused
                                      : checked.open);
    checked.lines.push_back(std::move(result));
  }
  if (!checked.lines.empty() && !policy.ends_with('\n'))
    checked.lines.back().notes.push_back(
        {"no-newline",
         "the file does not end in a newline: loaded by its path it is refused with EINVAL"});
  if (checked.refused == 0 && !checked.lines.empty())
    checked.loads = checked.open == 0 ? Truth::yes : Truth::unknown;
  if (checked.loads == Truth::yes)
    checked.notes = lint_ima_policy(rules, booted ? &*booted : nullptr, setup);
  return checked;
}

}  // namespace assay
