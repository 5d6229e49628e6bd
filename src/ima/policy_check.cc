#include "ima/policy_check.h"

#include "ima/policy_lint.h"
#include "ima/policy_show.h"
#include "signatures/explore.h"

namespace assay {

std::vector<CheckedPolicyLine> check_ima_policy(const KernelId& kernel, std::string_view policy,
                                                const KernelConfig& config,
                                                const KernelCrypto& crypto) {
  const ImaPolicyContext context{config, crypto};
  std::vector<CheckedPolicyLine> checked;
  std::vector<ImaRule> accepted;
  for (const ImaPolicyLine& line : split_ima_policy(policy)) {
    if (!line.is_rule) continue;
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
    if (!explored.open.empty()) {
      checked.push_back(std::move(result));
      continue;
    }
    result.accepted = truth(!parsed.outcome.failed());
    if (parsed.outcome.failed()) {
      result.err = parsed.outcome.err;
      result.decides = explored.walk.steps()[static_cast<std::size_t>(parsed.outcome.step)].rule;
      result.word = policy.substr(parsed.word.offset, parsed.word.size);
    } else {
      Walk walk = explored.walk;
      result.shown = show_ima_rule(walk, parsed.rule);
      result.notes = lint_ima_rule(parsed.rule, accepted);
      accepted.push_back(parsed.rule);
    }
    checked.push_back(std::move(result));
  }
  if (!checked.empty() && !policy.ends_with('\n'))
    checked.back().notes.push_back(
        {"no-newline",
         "the file does not end in a newline: loaded by its path it is refused with EINVAL"});
  return checked;
}

}  // namespace assay
