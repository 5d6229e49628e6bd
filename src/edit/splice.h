// edit/splice.h - bytes of some content replaced by others, and the same undone.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "bytes/rope.h"

namespace assay {

// At `offset` of the content before, `before` stands; after, `after` does.
struct Splice {
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> before;
  std::vector<std::uint8_t> after;
  friend bool operator==(const Splice&, const Splice&) = default;
};

enum class Direction : std::uint8_t { forward, backward };

// `content` with all splices applied, or undone. record_mismatch where other bytes stand than those
// to be replaced; bad_record where splices overlap, or are not in ascending order.
Result<Rope> splice(const Rope& content, const std::vector<Splice>& splices, Direction direction);

}  // namespace assay
