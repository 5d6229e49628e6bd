#include "bytes/rope.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

Rope::Rope(std::shared_ptr<const Content> whole) {
  const std::uint64_t size = whole->size();
  append(whole, {0, size});
}

void Rope::append(const std::shared_ptr<const Content>& from, Extent piece) {
  if (piece.size == 0) return;
  pieces_.push_back({size_, from, piece});
  size_ += piece.size;
}

void Rope::append(std::vector<std::uint8_t> bytes) {
  const std::uint64_t size = bytes.size();
  append(std::make_shared<MemoryContent>(std::move(bytes)), {0, size});
}

void Rope::append(const Rope& other) {
  for (const Piece& piece : std::vector<Piece>(other.pieces_)) append(piece.from, piece.extent);
}

Rope Rope::sub(Extent piece) const {
  Rope part;
  if (piece.size == 0) return part;
  for (auto at = piece_at(piece.offset); at != pieces_.end() && at->at < piece.end(); ++at) {
    const std::uint64_t skipped = std::max(piece.offset, at->at) - at->at;
    const std::uint64_t end = std::min(piece.end(), at->at + at->extent.size) - at->at;
    part.append(at->from, {at->extent.offset + skipped, end - skipped});
  }
  return part;
}

std::vector<Rope::Piece>::const_iterator Rope::piece_at(std::uint64_t offset) const {
  return std::prev(std::ranges::upper_bound(pieces_, offset, {}, &Piece::at));
}

Result<void> Rope::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (!lies_inside(offset, out.size(), size_))
    return fail(Reason::bad_length, {offset, out.size()},
                fmt::format("bytes [{}, +{}) wanted of {}", offset, out.size(), size_));
  if (out.empty()) return {};
  for (auto at = piece_at(offset); !out.empty(); ++at) {
    const std::uint64_t skipped = offset - at->at;
    const std::size_t size = std::min<std::uint64_t>(out.size(), at->extent.size - skipped);
    ASSAY_CHECK(at->from->read(at->extent.offset + skipped, out.first(size)));
    out = out.subspan(size);
    offset += size;
  }
  return {};
}

std::optional<View> Rope::memory() const {
  if (pieces_.size() != 1) return std::nullopt;
  const auto whole = pieces_.front().from->memory();
  if (!whole) return std::nullopt;
  const Extent extent = pieces_.front().extent;
  return View(whole->bytes().subspan(extent.offset, extent.size));
}

std::span<const std::uint8_t> Rope::run(std::uint64_t offset) const {
  const auto at = piece_at(offset);
  const std::uint64_t skipped = offset - at->at;
  const auto bytes = at->from->run(at->extent.offset + skipped);
  return bytes.first(std::min<std::uint64_t>(bytes.size(), at->extent.size - skipped));
}

Result<bool> same_content(const Content& a, const Content& b) {
  constexpr std::uint64_t kPiece = 256 * 1024;
  if (a.size() != b.size()) return false;
  std::vector<std::uint8_t> scratch_a;
  std::vector<std::uint8_t> scratch_b;
  for (std::uint64_t at = 0; at < a.size(); at += kPiece) {
    const std::uint64_t size = std::min(kPiece, a.size() - at);
    ASSAY_TRY(const View of_a, view_of(a, at, size, scratch_a));
    ASSAY_TRY(const View of_b, view_of(b, at, size, scratch_b));
    if (!same_bytes(of_a, of_b)) return false;
  }
  return true;
}

}  // namespace assay
