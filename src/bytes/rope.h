// bytes/rope.h - content put together from pieces of other content and new bytes.
//
// An edit changes a few bytes of a file that may be large: a rope says what the result is without
// copying what stays. Pieces refer to their content and keep it alive.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bytes/content.h"

namespace assay {

class Rope final : public Content {
 public:
  Rope() = default;
  explicit Rope(std::shared_ptr<const Content> whole);

  // Requires that the piece lies inside `from`.
  void append(const std::shared_ptr<const Content>& from, Extent piece);
  void append(std::vector<std::uint8_t> bytes);
  void append(const Rope& other);
  // The bytes [piece.offset, piece.end()) of this rope. Requires that they lie inside.
  Rope sub(Extent piece) const;

  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override;
  // Where there is one piece, in memory.
  std::optional<View> memory() const override;
  std::span<const std::uint8_t> run(std::uint64_t offset) const override;

 private:
  struct Piece {
    std::uint64_t at = 0;  // in the rope
    std::shared_ptr<const Content> from;
    Extent extent;  // in `from`; never empty
  };
  // The piece that holds `offset`. Requires offset < size_.
  std::vector<Piece>::const_iterator piece_at(std::uint64_t offset) const;

  std::vector<Piece> pieces_;
  std::uint64_t size_ = 0;
};

// The same bytes? Reads both in pieces.
Result<bool> same_content(const Content& a, const Content& b);

}  // namespace assay
