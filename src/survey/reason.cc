#include "survey/reason.h"

#include <fmt/format.h>

namespace assay {

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

ReasonReport explain_open(const std::vector<std::string>& open, const std::string& name) {
  const Reason reason =
      open.front().starts_with("libcrypto") ? Reason::crypto_unavailable : Reason::platform_open;
  return explain(Error{reason, {}, fmt::format("{}", fmt::join(open, ", ")), name});
}

}  // namespace assay
