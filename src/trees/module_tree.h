// trees/module_tree.h - the Merkle tree of CONFIG_MODULE_HASHES, versions 4 and 5 of the series.
//
//   leaf(i)      SHA-256(0x01 || i, 32 bits big endian || bytes of module i)
//   node(l, r)   SHA-256(0x02 || l || r); the last of an odd number is joined with itself
//   root         32 zero bytes for no modules; node(leaf, leaf) for one
//
// i counts the lines of modules.order from 0. [PATCH v5 12/14] "module: Introduce hash-based
// integrity checking", 5 May 2026: scripts/modules-merkle-tree.c, kernel/module/hashes.c.

#pragma once

#include <optional>

#include "bytes/content.h"
#include "trees/tree_hash.h"

namespace assay {

struct ModuleTreeKind;
using ModuleHash = TreeHash<ModuleTreeKind>;

// Positions have 32 bits: no tree is higher.
inline constexpr unsigned kModuleTreeLevels = 32;

// Over the first `size` bytes of `module`.
Result<ModuleHash> module_leaf(std::uint32_t position, const Content& module, std::uint64_t size);
Result<ModuleHash> module_node(const ModuleHash& left, const ModuleHash& right);

// Of a tree over `count` modules: 0 for none, 1 for one and for two.
unsigned module_tree_levels(std::uint64_t count);

// What stands behind a module: where it is in the tree, and its sibling on each level, leaf first.
struct ModuleProof {
  std::uint32_t position = 0;
  std::vector<ModuleHash> siblings;
  friend bool operator==(const ModuleProof&, const ModuleProof&) = default;
};

// The root that `leaf` and its proof lead to, as module_hashes_verify_proof climbs.
Result<ModuleHash> climb(const ModuleProof& proof, const ModuleHash& leaf);

class ModuleTree {
 public:
  // At most 2^32 leaves.
  static Result<ModuleTree> make(std::vector<ModuleHash> leaves);

  std::size_t size() const { return levels_.front().size(); }
  unsigned levels() const { return static_cast<unsigned>(levels_.size() - 1); }
  const ModuleHash& root() const { return root_; }
  // Requires position < size().
  ModuleProof proof(std::uint32_t position) const;

 private:
  std::vector<std::vector<ModuleHash>> levels_;  // leaves first; the last holds the root
  ModuleHash root_;
};

}  // namespace assay
