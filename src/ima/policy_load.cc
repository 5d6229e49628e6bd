#include "ima/policy_load.h"

#include "ima/rules.h"

namespace assay {

namespace rule = rules::ima_load;

Outcome ImaPolicySession::open() {
  if (!state_.has_custom_policy()) return {};
  const auto is_on = [this](std::string_view option) {
    return walk_.settle(setup_.config.is_on(option), "config: " + std::string(option));
  };
  if (is_on("CONFIG_IMA_WRITE_POLICY")) return {};
  const bool readable = is_on("CONFIG_IMA_READ_POLICY");
  if (const Outcome bad = walk_.check(rule::file_there, readable); bad.failed()) return bad;
  return walk_.check(rule::not_busy, false);
}

Outcome ImaPolicySession::add_line(const ImaPolicyLine& line) {
  if (!line.is_rule) return {};
  ParsedImaRule parsed =
      parse_ima_rule(walk_, line.text, line.offset, state_.policy_context(setup_));
  if (parsed.outcome.failed()) {
    causes_.emplace_back("invalid-policy");
    is_valid_ = false;
    refused_line_ = line.number;
    return parsed.outcome;
  }
  if (parsed.rule.action == ImaAction::appraise) appraise_bits_ |= appraise_bit(parsed.rule.func);
  rules_.push_back(
      {std::move(parsed.rule), RuleOrigin::custom, line.number, std::string(line.text)});
  return {};
}

Outcome ImaPolicySession::write(std::string_view data) {
  const bool appraised = (state_.appraise() & appraise_mode::kPolicy) != 0;
  if (const Outcome bad = walk_.check(rule::no_signed_policy, !appraised); bad.failed()) {
    causes_.emplace_back("signed policy required");
    is_valid_ = false;
    return bad;
  }
  ++lines_;
  auto lines = split_ima_policy(data);
  if (lines.empty()) return {};
  lines.front().number = lines_;
  return add_line(lines.front());
}

// The kernel counts the bytes that its lines have, each with its newline, down from the size of the
// file. Without the last newline it counts below zero; a NUL ends a line and the counting.
Outcome ImaPolicySession::load(std::string_view content) {
  for (const ImaPolicyLine& line : split_ima_policy(content)) {
    if (const Outcome bad = add_line(line); bad.failed()) return bad;
    const std::size_t end = line.offset + line.text.size();
    const bool ended = end < content.size() && content[end] == '\n';
    if (const Outcome bad =
            walk_.check(rule::last_newline, ended, Extent{line.offset, line.text.size()});
        bad.failed()) {
      is_valid_ = false;
      refused_line_ = line.number;
      return bad;
    }
  }
  return {};
}

bool ImaPolicySession::close() {
  const bool completed = is_valid_ && !rules_.empty();
  causes_.emplace_back(completed ? "completed" : "failed");
  if (completed) state_.add_custom_rules(std::move(rules_), appraise_bits_);
  return completed;
}

}  // namespace assay
