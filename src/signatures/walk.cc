#include "signatures/walk.h"

#include <algorithm>

namespace assay {

std::string_view finding_name(Finding finding) {
  switch (finding) {
    case Finding::holds: return "holds";
    case Finding::fails: return "fails";
    case Finding::skipped: return "skipped";
    case Finding::open: return "open";
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

std::vector<const Step*> causes_of(const std::vector<Step>& steps, std::int32_t step) {
  std::vector<const Step*> chain;
  for (; step >= 0; step = chain.back()->cause)
    chain.push_back(&steps[static_cast<std::size_t>(step)]);
  return chain;
}

std::string fill_log(const Rule& rule, std::initializer_list<std::string> values) {
  std::string line;
  const std::string* next = values.begin();
  for (std::size_t i = 0; i < rule.log.size(); ++i) {
    if (rule.log[i] != '%' || next == values.end()) {
      line += rule.log[i];
      continue;
    }
    line += *next++;
    i = std::min(rule.log.find_first_of("dusx", i), rule.log.size());
  }
  return line;
}

Outcome Walk::record(const Rule& rule, Finding finding, Extent where, std::string because,
                     std::string log) {
  if (!applies(rule)) return {};
  if (finding != Finding::fails) {
    if (explain_) steps_.push_back({&rule, finding, Errno::none, where, std::move(because), {}});
    return {};
  }
  if (log.empty()) log = rule.log;
  steps_.push_back(
      {&rule, Finding::fails, rule.otherwise, where, std::move(because), std::move(log)});
  return {rule.otherwise, static_cast<std::int32_t>(steps_.size() - 1), rule.crashes};
}

}  // namespace assay
