#include "sources/squash_blocks.h"

#include <fmt/format.h>
#include <sqfs/compressor.h>
#include <sqfs/error.h>
#include <sqfs/predef.h>

#include <algorithm>

#include "base/limits.h"
#include "bytes/reader.h"
#include "codec/lzo1x.h"

namespace assay {

void SquashBlocks::Destroy::operator()(sqfs_compressor_t* compressor) const {
  sqfs_destroy(compressor);
}

Result<std::unique_ptr<SquashBlocks>> SquashBlocks::open(const Content& image, std::uint64_t end,
                                                         unsigned compression,
                                                         std::uint64_t block_size) {
  std::unique_ptr<SquashBlocks> blocks(new SquashBlocks(image, end));
  if (compression == SQFS_COMP_LZO) return blocks;
  sqfs_compressor_config_t config;
  sqfs_compressor_t* compressor = nullptr;
  const auto id = static_cast<SQFS_COMPRESSOR>(compression);
  int code = SQFS_ERROR_UNSUPPORTED;
  if (compression >= SQFS_COMP_MIN && compression <= SQFS_COMP_MAX)
    code = sqfs_compressor_config_init(&config, id, block_size, SQFS_COMP_FLAG_UNCOMPRESS);
  if (code == 0) code = sqfs_compressor_create(&config, &compressor);
  if (code != 0)
    return fail(Reason::archive_unsupported, {20, 2}, fmt::format("compression {}", compression));
  blocks->compressor_.reset(compressor);
  return blocks;
}

Result<std::vector<std::uint8_t>> SquashBlocks::data(std::uint64_t offset, std::uint64_t stored,
                                                     bool is_compressed, std::uint64_t most) {
  if (stored > most || !lies_inside(offset, stored, end_))
    return fail(Reason::bad_length, {offset, stored},
                fmt::format("a block of {} bytes, at most {}, in {}", stored, most, end_));
  std::vector<std::uint8_t> packed(stored);
  ASSAY_CHECK(image_.read(offset, packed));
  if (!is_compressed) return packed;
  std::vector<std::uint8_t> out(most);
  std::int64_t size = 0;
  if (compressor_) {
    size = compressor_->do_block(compressor_.get(), packed.data(),
                                 static_cast<sqfs_u32>(packed.size()), out.data(),
                                 static_cast<sqfs_u32>(out.size()));
  } else if (const auto got = decode_lzo1x(packed, out)) {
    size = static_cast<std::int64_t>(*got);
  }
  if (size <= 0)
    return fail(Reason::stream_corrupt, {offset, stored},
                fmt::format("a block that does not unpack to at most {} bytes", most));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<const SquashBlocks::Kept*> SquashBlocks::table_block(std::uint64_t at) {
  constexpr std::uint16_t kIsPlain = 0x8000;
  for (const Kept& kept : kept_)
    if (kept.at == at && !kept.bytes.empty()) return &kept;
  if (!lies_inside(at, 2, end_))
    return fail(Reason::bad_length, {at, 2}, fmt::format("a block of a table behind {}", end_));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View head, view_of(image_, at, 2, scratch));
  const std::uint16_t word = Record<2>(head).le16<0>();
  const std::uint64_t size = word & ~kIsPlain;
  if (size == 0) return fail(Reason::bad_value, {at, 2}, "a block of a table without bytes");
  ASSAY_TRY(auto bytes, data(at + 2, size, (word & kIsPlain) == 0, kTableBlock));
  Kept& kept = kept_[oldest_];
  oldest_ = (oldest_ + 1) % kept_.size();
  kept = {at, at + 2 + size, std::move(bytes)};
  return &kept;
}

Result<void> SquashBlocks::read(Place& place, std::span<std::uint8_t> out) {
  while (!out.empty()) {
    ASSAY_TRY(const Kept* kept, table_block(place.block));
    if (place.offset > kept->bytes.size() || (place.offset != 0 && kept->bytes.empty()))
      return fail(
          Reason::bad_length, {place.block, 2},
          fmt::format("offset {} in a block of {} bytes", place.offset, kept->bytes.size()));
    const std::size_t size = std::min<std::size_t>(out.size(), kept->bytes.size() - place.offset);
    std::copy_n(kept->bytes.begin() + static_cast<std::ptrdiff_t>(place.offset), size, out.begin());
    out = out.subspan(size);
    place.offset += size;
    if (place.offset == kept->bytes.size()) place = {kept->next, 0};
  }
  return {};
}

}  // namespace assay
