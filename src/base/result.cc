#include "base/result.h"

#include <fmt/format.h>

namespace assay {

namespace {

struct Row {
  std::string_view id;
  std::string_view sentence;
};

constexpr Row kRows[] = {
#define REASON(name, id, sentence) {id, sentence},
#include "base/reasons.def"
#undef REASON
};

const Row& row(Reason reason) { return kRows[static_cast<std::size_t>(reason)]; }

}  // namespace

std::string_view reason_id(Reason reason) { return row(reason).id; }
std::string_view reason_sentence(Reason reason) { return row(reason).sentence; }

std::string describe(const Error& error) {
  std::string text;
  if (!error.path.empty()) text += error.path + ": ";
  if (error.where.offset != 0 || error.where.size != 0)
    text += fmt::format("offset {}: ", error.where.offset);
  text += reason_sentence(error.reason);
  if (!error.detail.empty()) text += ": " + error.detail;
  return text;
}

}  // namespace assay
