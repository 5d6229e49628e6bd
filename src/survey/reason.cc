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

// "the content was changed after it was signed (EKEYREJECTED), or modules are disabled (EPERM)".
std::string list_refusals(const std::vector<Refusal>& refusals) {
  constexpr std::size_t kNamed = 4;
  std::string text;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    if (i == kNamed) return text + ", or for other reasons";
    if (i != 0) text += ", or ";
    const Refusal& one = refusals[i];
    text += fmt::format("{} ({})", one.rule == nullptr ? "" : one.rule->fails, errno_name(one.err));
  }
  return text;
}

ReasonReport explain_open(const Verdict& verdict, const std::string& name) {
  ReasonReport reason = assay::explain_open(verdict.open, name);
  if (verdict.certain != nullptr) reason.cause = verdict.certain->id;
  if (!verdict.refused_with.empty()) {
    std::vector<std::string_view> errors;
    for (const Errno err : verdict.refused_with) errors.push_back(errno_name(err));
    reason.text =
        fmt::format("refused either way{}; which depends on {}",
                    verdict.certain != nullptr ? fmt::format(", with {}", fmt::join(errors, " or "))
                                               : ": " + list_refusals(verdict.refusals),
                    fmt::join(verdict.open, ", "));
  }
  if (verdict.certain != nullptr)
    reason.text = fmt::format("{}; {}", verdict.certain->fails, reason.text);
  reason.kind = reason.text;
  return reason;
}

}  // namespace

std::optional<ReasonReport> explain(const Verdict& verdict, const std::string& name) {
  if (!verdict.open.empty()) return explain_open(verdict, name);
  if (verdict.deciding == nullptr) return std::nullopt;
  ReasonReport reason = explain(verdict.steps, verdict.deciding_step, name);
  // As what is not known turns out, it is refused for the one reason or the other.
  std::string others;
  const Rule* root = causes_of(verdict.steps, verdict.deciding_step).back()->rule;
  for (const Refusal& refusal : verdict.refusals)
    if (refusal.rule != nullptr && refusal.rule != root)
      others += fmt::format("; or else {}", refusal.rule->fails);
  reason.text += others;
  reason.kind += others;
  return reason;
}

ReasonReport explain_open(const std::vector<std::string>& open, const std::string& name) {
  const Reason reason =
      open.front().starts_with("libcrypto") ? Reason::crypto_unavailable : Reason::platform_open;
  return explain(Error{reason, {}, fmt::format("{}", fmt::join(open, ", ")), name});
}

}  // namespace assay
