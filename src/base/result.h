// base/result.h - the one way a function in this project fails.
//
// An Error means that we could not find something out. What a kernel would refuse is not an Error
// but a Verdict (judge/verdict.h).

#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/extent.h"

namespace assay {

// Every distinct thing that can go wrong: the rows of base/reasons.def.
enum class Reason : std::uint16_t {
#define REASON(name, id, sentence) name,
#include "base/reasons.def"
#undef REASON
};

// The stable identifier of a reason ("bytes/truncated").
std::string_view reason_id(Reason reason);
// Its sentence, without values.
std::string_view reason_sentence(Reason reason);

struct Error {
  Reason reason;
  Extent where = {};        // the bytes at fault, in the artifact named by `path`
  std::string detail = {};  // the values compared: "12 bytes needed, 4 left"
  std::string path = {};    // encoded name (base/name.h); filled in where the name is known
};

// One line: "PATH: offset N: SENTENCE: DETAIL"; what is absent is left out.
std::string describe(const Error& error);

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Reason reason, Extent where = {}, std::string detail = {}) {
  return std::unexpected<Error>(Error{reason, where, std::move(detail), {}});
}

// Adds the name of the artifact to an error that does not have one yet.
inline Error with_path(Error error, std::string_view path) {
  if (error.path.empty()) error.path = path;
  return error;
}

}  // namespace assay

#define ASSAY_CONCAT_(a, b) a##b
#define ASSAY_CONCAT(a, b) ASSAY_CONCAT_(a, b)

// ASSAY_TRY(auto value, expression): the value of a Result, or leave the function with its error.
#define ASSAY_TRY(declaration, expression)                                   \
  auto ASSAY_CONCAT(try_, __LINE__) = (expression);                          \
  if (!ASSAY_CONCAT(try_, __LINE__))                                         \
    return std::unexpected(std::move(ASSAY_CONCAT(try_, __LINE__)).error()); \
  declaration = std::move(*ASSAY_CONCAT(try_, __LINE__))

// ASSAY_CHECK(expression): the same for a Result<void>.
#define ASSAY_CHECK(expression)                                                        \
  if (auto ASSAY_CONCAT(try_, __LINE__) = (expression); !ASSAY_CONCAT(try_, __LINE__)) \
  return std::unexpected(std::move(ASSAY_CONCAT(try_, __LINE__)).error())
