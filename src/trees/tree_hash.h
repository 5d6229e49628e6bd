// trees/tree_hash.h - a node of a hash tree, as a type of its own for each kind of tree.
//
// The tree of CONFIG_MODULE_HASHES puts 0x01 before a leaf and 0x02 before two nodes, that of RFC
// 6962 puts 0x00 before a leaf and 0x01 before two nodes: a leaf of one could be taken for a node
// of the other. Hashes of different kinds are different types and cannot be compared or combined.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/hex.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace assay {

inline constexpr std::size_t kTreeHashSize = 32;  // SHA-256, in every kind

template <class Kind>
struct TreeHash {
  std::array<std::uint8_t, kTreeHashSize> bytes{};

  std::string hex() const { return to_hex(bytes); }
  bool is_zero() const { return bytes == std::array<std::uint8_t, kTreeHashSize>{}; }
  friend auto operator<=>(const TreeHash&, const TreeHash&) = default;
};

namespace tree {

template <class Kind>
Result<TreeHash<Kind>> finish(Hasher hasher) {
  const Digest digest = std::move(hasher).finish();
  TreeHash<Kind> hash;
  std::copy_n(digest.bytes().begin(), kTreeHashSize, hash.bytes.begin());
  return hash;
}

// SHA-256 of `prefix` and two nodes.
template <class Kind>
Result<TreeHash<Kind>> join(std::uint8_t prefix, const TreeHash<Kind>& left,
                            const TreeHash<Kind>& right) {
  ASSAY_TRY(Hasher hasher, Hasher::make(Hash::sha256));
  hasher.update(std::span(&prefix, 1));
  hasher.update(left.bytes);
  hasher.update(right.bytes);
  return finish<Kind>(std::move(hasher));
}

}  // namespace tree

}  // namespace assay
