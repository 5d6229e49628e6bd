#include "sources/erofs_clusters.h"

#include <fmt/format.h>
#include <lz4.h>

#include <algorithm>
#include <vector>

#include "base/nesting_limits.h"
#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::uint64_t kMostStored = limits::kMiB;  // Z_EROFS_PCLUSTER_MAX_SIZE
constexpr std::uint64_t kMostPiece = limits::kArtifactInMemory;

// What an index says.
enum Type : std::uint8_t { kPlain = 0, kHead1 = 1, kContinued = 2, kHead2 = 3 };

struct Index {
  Type type = kPlain;
  std::uint32_t start = 0;   // in the cluster
  std::uint64_t block = 0;   // where a piece is stored
  std::uint32_t blocks = 0;  // of a cluster behind a piece's first: how many blocks it has; 0: one
  std::uint64_t behind = 0;  // offset of what follows the index or its group
};

struct Piece {
  std::uint64_t start = 0;  // in the file
  std::uint64_t offset = 0;
  std::uint64_t stored = 0;
  bool is_plain = false;
};

enum Advise : std::uint16_t {
  kCompacted2 = 0x1,
  kBig1 = 0x2,
  kBig2 = 0x4,
  kInline = 0x8,
  kInterlaced = 0x10,
  kFragment = 0x20
};

constexpr std::uint32_t kBlockCount = 1 << 11;

class Indexes {
 public:
  Indexes(const Content& image, const ErofsCompressed& file, std::uint16_t advise, unsigned bits)
      : image_(image), file_(file), advise_(advise), bits_(bits) {}

  std::uint64_t count() const { return (file_.size + (std::uint64_t{1} << bits_) - 1) >> bits_; }

  Result<Index> at(std::uint64_t number) const {
    return file_.is_compact ? compact(number) : full(number);
  }

 private:
  Result<View> bytes(std::uint64_t offset, std::uint64_t size) const {
    if (!lies_inside(offset, size, image_.size()))
      return fail(Reason::bad_length, {offset, size},
                  fmt::format("indexes of a file, the image has {} bytes", image_.size()));
    return view_of(image_, offset, size, scratch_);
  }

  Result<Index> full(std::uint64_t number) const {
    const std::uint64_t offset = file_.header + 16 + number * 8;
    ASSAY_TRY(const View view, bytes(offset, 8));
    const Record<8> record(view);
    Index out;
    out.type = static_cast<Type>(record.le16<0>() & 3);
    out.behind = offset + 8;
    if (out.type == kContinued) {
      const std::uint16_t distance = record.le16<4>();
      if ((distance & kBlockCount) != 0) out.blocks = distance & (kBlockCount - 1);
    } else {
      out.start = record.le16<2>();
      out.block = record.le32<4>();
    }
    return out;
  }

  // Groups of 2 indexes in 8 bytes, or of 16 in 32, which begin at 32 bytes; at the end of each a
  // block.
  Result<Index> compact(std::uint64_t number) const {
    const std::uint64_t base = file_.header + 8;
    const std::uint64_t total = count();
    const std::uint64_t before = (32 - base % 32) / 4 % 8;
    const std::uint64_t small =
        (advise_ & kCompacted2) != 0 && before < total ? (total - before) / 16 * 16 : 0;
    if (number < before) return unpack(base, number, 4);
    if (number < before + small) return unpack(base + before * 4, number - before, 2);
    return unpack(base + before * 4 + small * 2, number - before - small, 4);
  }

  Result<Index> unpack(std::uint64_t area, std::uint64_t number, std::uint64_t each) const {
    const std::uint64_t group_count = each == 4 ? 2 : 16;
    const std::uint64_t group_size = group_count * each;
    // Groups begin at multiples of their size, and not where this area does.
    const std::uint64_t at = area + number * each;
    const std::uint64_t group = at / group_size * group_size;
    ASSAY_TRY(const View view, bytes(group, group_size));
    const auto inside = static_cast<unsigned>((at - group) / each);
    const auto width = static_cast<unsigned>((group_size - 4) * 8 / group_count);
    struct Small {
      Type type;
      std::uint32_t low;
    };
    const auto small = [&](unsigned which) {
      std::uint32_t word = 0;
      const unsigned first = which * width;
      for (unsigned i = 0; i < 4 && first / 8 + i < view.size(); ++i)
        word |= std::uint32_t{view[first / 8 + i]} << (8 * i);
      word >>= first % 8;
      return Small{static_cast<Type>(word >> bits_ & 3), word & ((1U << bits_) - 1)};
    };
    Index out;
    out.behind = group + group_size;
    const Small self = small(inside);
    out.type = self.type;
    if (self.type == kContinued) {
      if ((self.low & kBlockCount) != 0) out.blocks = self.low & (kBlockCount - 1);
      return out;
    }
    out.start = self.low;
    ASSAY_TRY(const std::uint64_t blocks, blocks_before(small, inside));
    const std::size_t end = view.size() - 4;
    std::uint64_t first = 0;
    for (std::size_t i = 4; i > 0; --i) first = first << 8 | view[end + i - 1];
    out.block = first + blocks;
    return out;
  }

  // How many blocks the pieces of a group have that begin before index `inside`
  // (unpack_compacted_index(), fs/erofs/zmap.c, which goes backwards too).
  template <typename Small>
  Result<std::uint64_t> blocks_before(const Small& small, unsigned inside) const {
    const bool is_big = (advise_ & kBig1) != 0;
    std::uint64_t blocks = is_big ? 0 : 1;
    for (std::int64_t i = inside; i > 0;) {
      --i;
      const auto it = small(static_cast<unsigned>(i));
      if (it.type != kContinued) {
        ++blocks;
        continue;
      }
      if (!is_big) {
        i -= it.low;
        if (i >= 0) ++blocks;
      } else if ((it.low & kBlockCount) != 0) {
        --i;
        blocks += it.low & (kBlockCount - 1);
      } else if (it.low <= 1) {
        return fail(Reason::archive_corrupt, {}, "a cluster whose piece has no size");
      } else {
        i -= it.low - 2;
      }
    }
    return blocks;
  }

  const Content& image_;
  const ErofsCompressed& file_;
  std::uint16_t advise_;
  unsigned bits_;
  mutable std::vector<std::uint8_t> scratch_;
};

// Pieces are unpacked when they are read: the one that was read last is kept.
class ErofsFile final : public Content {
 public:
  ErofsFile(const Content& image, std::vector<Piece> pieces, std::uint64_t size,
            std::uint64_t interlace)
      : image_(image), pieces_(std::move(pieces)), size_(size), interlace_(interlace) {}

  std::uint64_t size() const override { return size_; }

  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (!lies_inside(offset, out.size(), size_))
      return fail(Reason::bad_length, {offset, out.size()},
                  fmt::format("bytes [{}, +{}) wanted of {}", offset, out.size(), size_));
    while (!out.empty()) {
      const auto after = std::ranges::upper_bound(pieces_, offset, {}, &Piece::start);
      const std::uint64_t end = after == pieces_.end() ? size_ : after->start;
      const Piece& piece = *std::prev(after);  // the first begins at 0
      if (!is_kept_ || kept_start_ != piece.start) {
        is_kept_ = false;
        ASSAY_CHECK(unpack(piece, end - piece.start));
        kept_start_ = piece.start;
        is_kept_ = true;
      }
      const auto part = out.first(std::min<std::uint64_t>(out.size(), end - offset));
      std::ranges::copy(std::span(kept_).subspan(offset - piece.start, part.size()), part.begin());
      out = out.subspan(part.size());
      offset += part.size();
    }
    return {};
  }

 private:
  Result<void> unpack(const Piece& piece, std::uint64_t length) const {
    const Extent where{piece.offset, piece.stored};
    if (length > kMostPiece)
      return fail(Reason::limit_size, where,
                  fmt::format("a piece of {} bytes, at most {}", length, kMostPiece));
    if (!lies_inside(piece.offset, piece.stored, image_.size()))
      return fail(Reason::bad_length, where, fmt::format("the image has {}", image_.size()));
    std::vector<std::uint8_t> stored(piece.stored);
    ASSAY_CHECK(image_.read(piece.offset, stored));
    kept_.resize(length);
    if (piece.is_plain) {
      if (length > stored.size())
        return fail(Reason::archive_corrupt, where, fmt::format("{} bytes wanted", length));
      // Interlaced ones begin where they would in a block of the file, and go round.
      const std::uint64_t turn = interlace_ == 0 ? 0 : piece.start % interlace_;
      for (std::uint64_t i = 0; i < length; ++i) kept_[i] = stored[(turn + i) % stored.size()];
      return {};
    }
    // Zeros stand before the stream, not behind it.
    const auto begin = std::ranges::find_if(stored, [](std::uint8_t byte) { return byte != 0; });
    const std::span<const std::uint8_t> stream(begin, stored.end());
    const int got = LZ4_decompress_safe_partial(View(stream).text().data(), text_of(kept_),
                                                static_cast<int>(stream.size()),
                                                static_cast<int>(length), static_cast<int>(length));
    if (got < 0 || static_cast<std::uint64_t>(got) != length)
      return fail(Reason::stream_corrupt, where,
                  fmt::format("LZ4 that does not unpack to {} bytes", length));
    return {};
  }

  static char* text_of(std::vector<std::uint8_t>& bytes) {
    return static_cast<char*>(static_cast<void*>(bytes.data()));
  }

  const Content& image_;
  std::vector<Piece> pieces_;
  std::uint64_t size_;
  std::uint64_t interlace_;  // 0: none is
  mutable std::vector<std::uint8_t> kept_;
  mutable std::uint64_t kept_start_ = 0;
  mutable bool is_kept_ = false;
};

}  // namespace

Result<std::unique_ptr<Content>> open_erofs_clusters(const Content& image,
                                                     const ErofsCompressed& file) {
  if (file.size == 0) return std::make_unique<MemoryContent>(std::vector<std::uint8_t>());
  if (!lies_inside(file.header, 8, image.size()))
    return fail(Reason::bad_length, {file.header, 8},
                fmt::format("a file's indexes, the image has {} bytes", image.size()));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View view, view_of(image, file.header, 8, scratch));
  const Record<8> header(view);
  const std::uint16_t advise = header.le16<4>();
  const std::uint8_t algorithms = header.u8<6>();
  if ((header.u8<7>() & 0x80) != 0 || (advise & kFragment) != 0)
    return fail(Reason::archive_unsupported, header.extent(), "a file in fragments");
  if (algorithms != 0)
    return fail(
        Reason::archive_unsupported, header.extent(),
        fmt::format("compression {} and {}, expected LZ4 (0)", algorithms & 15, algorithms >> 4));
  const unsigned bits = file.block_bits + (header.u8<7>() & 7);
  if (bits > 14 || (file.is_compact && (advise & kCompacted2) != 0 && bits != 12))
    return fail(Reason::archive_unsupported, header.extent(),
                fmt::format("clusters of 2^{} bytes", bits));
  const Indexes indexes(image, file, advise, bits);
  if (indexes.count() > limits::kBlocks)
    return fail(Reason::limit_count, header.extent(),
                fmt::format("{} clusters, at most {}", indexes.count(), limits::kBlocks));

  std::vector<Piece> pieces;
  bool is_first_behind = false;
  std::uint64_t behind = 0;
  for (std::uint64_t i = 0; i < indexes.count(); ++i) {
    ASSAY_TRY(const Index index, indexes.at(i));
    behind = index.behind;
    if (index.type == kContinued) {
      const std::uint64_t stored = std::uint64_t{index.blocks} << file.block_bits;
      if (stored > kMostStored)
        return fail(Reason::limit_size, header.extent(), fmt::format("{} blocks", index.blocks));
      if (stored != 0 && is_first_behind) pieces.back().stored = stored;
      is_first_behind = false;
      continue;
    }
    const std::uint64_t start = (i << bits) + index.start;
    if (index.start >= 1U << bits || (pieces.empty() && start != 0) ||
        (!pieces.empty() && start <= pieces.back().start))
      return fail(Reason::archive_corrupt, header.extent(),
                  fmt::format("cluster {} begins at {}", i, start));
    if (start >= file.size && !pieces.empty()) break;
    pieces.push_back(
        {start, index.block << file.block_bits, std::uint64_t{1} << bits, index.type == kPlain});
    is_first_behind = true;
  }
  if (pieces.empty())
    return fail(Reason::archive_corrupt, header.extent(), "no cluster begins a piece");
  if ((advise & kInline) != 0) {
    pieces.back().offset = behind;
    pieces.back().stored = header.le16<2>();
  }
  const std::uint64_t interlace =
      (advise & kInterlaced) != 0 ? std::uint64_t{1} << file.block_bits : 0;
  return std::make_unique<ErofsFile>(image, std::move(pieces), file.size, interlace);
}

}  // namespace assay
