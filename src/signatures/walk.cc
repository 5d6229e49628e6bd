#include "signatures/walk.h"

namespace assay {

std::string_view finding_name(Finding finding) {
  switch (finding) {
    case Finding::holds: return "holds";
    case Finding::fails: return "fails";
    case Finding::skipped: return "skipped";
  }
  return "";
}

std::string_view standing_name(Standing standing) {
  switch (standing) {
    case Standing::verified: return "verified";
    case Standing::unsigned_: return "unsigned";
    case Standing::untrusted: return "untrusted";
    case Standing::bad: return "bad";
    case Standing::malformed: return "malformed";
    case Standing::undetermined: return "undetermined";
    case Standing::unchecked: return "unchecked";
  }
  return "";
}

// Between two anchors either all that differs is as in the later one, or all as in the earlier.
bool Walk::covers(const Scope& scope) {
  const Truth covered = scope.covers(kernel_);
  if (covered != Truth::unknown) return covered == Truth::yes;
  const bool as_in_later = settle(Truth::unknown, "kernel.version");
  return as_in_later != scope.covers_anchor_below(kernel_.version);
}

bool Walk::settle(Truth value, std::string_view key) {
  if (value != Truth::unknown) return value == Truth::yes;
  for (const Choice& choice : choices_)
    if (choice.key == key) return choice.answer;
  choices_.push_back({std::string(key), true});
  return true;
}

Outcome Walk::record(const Rule& rule, bool holds, Extent where, std::string because,
                     std::string log) {
  if (!applies(rule)) return {};
  if (holds) {
    if (explain_)
      steps_.push_back({&rule, Finding::holds, Errno::none, where, std::move(because), {}});
    return {};
  }
  if (log.empty()) log = rule.log;
  steps_.push_back(
      {&rule, Finding::fails, rule.otherwise, where, std::move(because), std::move(log)});
  return {rule.otherwise, static_cast<std::int32_t>(steps_.size() - 1), rule.crashes};
}

}  // namespace assay
