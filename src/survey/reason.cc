#include "survey/reason.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace assay {

bool is_damage(const Error& error) {
  return error.reason == Reason::stream_corrupt || error.reason == Reason::stream_truncated ||
         error.reason == Reason::truncated || error.reason == Reason::bad_length;
}

ReasonReport explain(const Error& error) {
  ReasonReport reason;
  reason.id = reason_id(error.reason);
  reason.where = error.where;
  reason.in = error.path;
  reason.text = reason_sentence(error.reason);
  if (!error.detail.empty()) reason.text += ": " + error.detail;
  reason.kind = reason.text;
  return reason;
}

ReasonReport explain(const std::vector<Step>& steps, std::int32_t step, const std::string& name) {
  const auto chain = causes_of(steps, step);
  const Step& deciding = *chain.front();
  const Step& first = *chain.back();
  ReasonReport reason;
  reason.id = deciding.rule->id;
  reason.err = deciding.err;
  reason.kernel_function = deciding.rule->site;
  reason.where = deciding.where;
  reason.in = name;
  reason.text = first.rule->fails;
  if (!first.because.empty()) reason.text += ": " + first.because;
  reason.kind = first.rule->fails;
  if (&first == &deciding) return reason;
  reason.cause = first.rule->id;
  reason.text += fmt::format("; {}", deciding.rule->fails);
  if (!deciding.because.empty()) reason.text += fmt::format(" ({})", deciding.because);
  reason.kind += fmt::format("; {}", deciding.rule->fails);
  return reason;
}

namespace {

// What is wrong whatever the answers, as far as the first question.
const Step* find_certain_failure(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (step.finding == Finding::open) break;
    if (step.finding == Finding::fails) return &step;
  }
  return nullptr;
}

ReasonReport explain_open(const Verdict& verdict, const std::string& name) {
  ReasonReport reason = assay::explain_open(verdict.open, name);
  if (!verdict.refused_with.empty()) {
    std::vector<std::string_view> errors;
    for (const Errno err : verdict.refused_with) errors.push_back(errno_name(err));
    reason.text = reason.kind =
        fmt::format("refused either way, with {}; which depends on {}", fmt::join(errors, " or "),
                    fmt::join(verdict.open, ", "));
  }
  if (const Step* failed = find_certain_failure(verdict.steps)) {
    const auto lead = [&](const std::string& text) {
      return fmt::format("{}; {}", failed->rule->fails, text);
    };
    reason.text = lead(reason.text);
    reason.kind = lead(reason.kind);
    reason.cause = failed->rule->id;
  }
  return reason;
}

}  // namespace

std::optional<ReasonReport> explain(const Verdict& verdict, const std::string& name) {
  if (!verdict.open.empty()) return explain_open(verdict, name);
  if (verdict.deciding == nullptr) return std::nullopt;
  return explain(verdict.steps, verdict.deciding_step, name);
}

ReasonReport explain_open(const std::vector<std::string>& open, const std::string& name) {
  const Reason reason =
      open.front().starts_with("libcrypto") ? Reason::crypto_unavailable : Reason::platform_open;
  return explain(Error{reason, {}, fmt::format("{}", fmt::join(open, ", ")), name});
}

}  // namespace assay
