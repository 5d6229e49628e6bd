#include "trees/rfc6962_tree.h"

#include <bit>

namespace assay {

namespace {

constexpr std::uint8_t kLeaf = 0x00;
constexpr std::uint8_t kNode = 0x01;

}  // namespace

Result<LogHash> log_leaf(std::span<const std::uint8_t> entry) {
  ASSAY_TRY(Hasher hasher, Hasher::make(Hash::sha256));
  hasher.update(std::span(&kLeaf, 1));
  hasher.update(entry);
  return tree::finish<Rfc6962Kind>(std::move(hasher));
}

// As deep as the logarithm of their number.
Result<LogHash> log_root(std::span<const LogHash> leaves) {
  if (leaves.empty()) {
    ASSAY_TRY(Hasher hasher, Hasher::make(Hash::sha256));
    return tree::finish<Rfc6962Kind>(std::move(hasher));
  }
  if (leaves.size() == 1) return leaves.front();
  const std::size_t left = std::bit_floor(leaves.size() - 1);
  ASSAY_TRY(const LogHash a, log_root(leaves.first(left)));
  ASSAY_TRY(const LogHash b, log_root(leaves.subspan(left)));
  return tree::join(kNode, a, b);
}

}  // namespace assay
