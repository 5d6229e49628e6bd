#include "bytes/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace assay {

Result<std::size_t> read_full(Stream& stream, std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    ASSAY_TRY(const std::size_t got, stream.read(out.subspan(filled)));
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

Result<std::vector<std::uint8_t>> read_all(Stream& stream, std::uint64_t limit) {
  // Grows by doubling, so no size that the data claims is ever allocated ahead of the data.
  std::vector<std::uint8_t> bytes;
  std::size_t filled = 0;
  for (;;) {
    if (filled == bytes.size()) {
      const std::uint64_t wanted = std::max<std::uint64_t>(std::uint64_t{64} << 10, filled * 2ULL);
      bytes.resize(std::min<std::uint64_t>(wanted, limit + 1));
    }
    ASSAY_TRY(const std::size_t got, stream.read(std::span(bytes).subspan(filled)));
    if (got == 0) break;
    filled += got;
    if (filled > limit)
      return fail(Reason::limit_size, {limit, 0}, fmt::format("more than {} bytes", limit));
  }
  bytes.resize(filled);
  return bytes;
}

Result<std::uint64_t> skip(Stream& stream, std::uint64_t count) {
  std::array<std::uint8_t, 16384> scrap;
  std::uint64_t skipped = 0;
  while (skipped < count) {
    const std::size_t step = std::min<std::uint64_t>(scrap.size(), count - skipped);
    ASSAY_TRY(const std::size_t got, stream.read(std::span(scrap).first(step)));
    if (got == 0) break;
    skipped += got;
  }
  return skipped;
}

Result<std::size_t> ViewStream::read(std::span<std::uint8_t> out) {
  const std::size_t size = std::min(out.size(), left_.size());
  if (size != 0) std::memcpy(out.data(), left_.bytes().data(), size);
  left_ = left_.sub(size, left_.size() - size);
  return size;
}

}  // namespace assay
