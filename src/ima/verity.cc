#include "ima/verity.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kBlockSize = 4096;
constexpr std::size_t kDescriptorSize = 256;
constexpr std::size_t kDataSizeOffset = 8;
constexpr std::size_t kRootOffset = 16;

Result<void> add_digest(Hash hash, std::span<const std::uint8_t> block, Bytes& level) {
  ASSAY_TRY(const Digest digest, compute_digest(hash, block));
  level.insert(level.end(), digest.bytes().begin(), digest.bytes().end());
  return {};
}

// The digests of the blocks of the file: of its size the 128th part, or the 64th.
Result<Bytes> lowest_level(Hash hash, const Content& content) {
  Bytes level;
  std::array<std::uint8_t, kBlockSize> block{};
  for (std::uint64_t offset = 0; offset < content.size(); offset += kBlockSize) {
    const std::size_t size = std::min<std::uint64_t>(kBlockSize, content.size() - offset);
    std::ranges::fill(block, 0);
    ASSAY_CHECK(content.read(offset, std::span(block).first(size)));
    ASSAY_CHECK(add_digest(hash, block, level));
  }
  return level;
}

Result<Bytes> level_above(Hash hash, Bytes level) {
  level.resize((level.size() + kBlockSize - 1) / kBlockSize * kBlockSize);
  Bytes above;
  for (std::size_t at = 0; at < level.size(); at += kBlockSize)
    ASSAY_CHECK(add_digest(hash, std::span(level).subspan(at, kBlockSize), above));
  return above;
}

}  // namespace

bool is_verity_hash(Hash hash) { return hash == Hash::sha256 || hash == Hash::sha512; }

Result<Digest> compute_verity_digest(Hash hash, const Content& content) {
  ASSAY_TRY(Bytes level, lowest_level(hash, content));
  while (level.size() > digest_size(hash)) {
    ASSAY_TRY(level, level_above(hash, std::move(level)));
  }
  std::array<std::uint8_t, kDescriptorSize> descriptor{};
  descriptor[0] = 1;
  descriptor[1] = hash == Hash::sha256 ? 1 : 2;
  descriptor[2] = std::countr_zero(kBlockSize);
  for (std::size_t i = 0; i < sizeof(std::uint64_t); ++i)
    descriptor[kDataSizeOffset + i] = static_cast<std::uint8_t>(content.size() >> 8 * i);
  std::ranges::copy(level, descriptor.begin() + kRootOffset);
  return compute_digest(hash, descriptor);
}

}  // namespace assay
