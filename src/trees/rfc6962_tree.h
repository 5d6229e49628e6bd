// trees/rfc6962_tree.h - the Merkle tree of transparency logs (RFC 6962 2.1, C2SP tlog-tiles).
//
//   leaf    SHA-256(0x00 || entry)
//   node    SHA-256(0x01 || left || right)
//   tree    the largest power of two below n on the left; of no entries SHA-256("")
//
// Positions are not part of the leaves, and odd nodes move up as they are: of equal contents its
// root is another than that of trees/module_tree.h.

#pragma once

#include "bytes/content.h"
#include "trees/tree_hash.h"

namespace assay {

struct Rfc6962Kind;
using LogHash = TreeHash<Rfc6962Kind>;

Result<LogHash> log_leaf(std::span<const std::uint8_t> entry);
// The root over `leaves`.
Result<LogHash> log_root(std::span<const LogHash> leaves);

}  // namespace assay
