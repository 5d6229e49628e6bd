#include "crypto/hmac.h"

#include <algorithm>
#include <array>

namespace assay {

namespace {

constexpr std::size_t kBlockSize = 64;

Result<Digest> padded_digest(Hash hash, std::array<std::uint8_t, kBlockSize> key, std::uint8_t pad,
                             std::span<const std::uint8_t> bytes) {
  for (std::uint8_t& each : key) each ^= pad;
  ASSAY_TRY(Hasher hasher, Hasher::make(hash));
  hasher.update(key);
  hasher.update(bytes);
  return std::move(hasher).finish();
}

}  // namespace

Result<Digest> compute_hmac(Hash hash, std::span<const std::uint8_t> key,
                            std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, kBlockSize> block{};
  if (key.size() > kBlockSize) {
    ASSAY_TRY(const Digest digest, compute_digest(hash, key));
    std::ranges::copy(digest.bytes(), block.begin());
  } else {
    std::ranges::copy(key, block.begin());
  }
  ASSAY_TRY(const Digest inner, padded_digest(hash, block, 0x36, bytes));
  return padded_digest(hash, block, 0x5C, inner.bytes());
}

}  // namespace assay
