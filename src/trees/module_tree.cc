#include "trees/module_tree.h"

#include <bit>

namespace assay {

namespace {

constexpr std::uint8_t kLeaf = 0x01;
constexpr std::uint8_t kNode = 0x02;

Result<std::vector<ModuleHash>> join_pairs(const std::vector<ModuleHash>& level) {
  std::vector<ModuleHash> above;
  above.reserve((level.size() + 1) / 2);
  for (std::size_t i = 0; i < level.size(); i += 2) {
    ASSAY_TRY(const ModuleHash node,
              module_node(level[i], level[std::min(i + 1, level.size() - 1)]));
    above.push_back(node);
  }
  return above;
}

}  // namespace

Result<ModuleHash> module_leaf(std::uint32_t position, const Content& module, std::uint64_t size) {
  constexpr std::uint64_t kPiece = 1 << 20;
  ASSAY_TRY(Hasher hasher, Hasher::make(Hash::sha256));
  const std::array<std::uint8_t, 5> head = {
      kLeaf, static_cast<std::uint8_t>(position >> 24), static_cast<std::uint8_t>(position >> 16),
      static_cast<std::uint8_t>(position >> 8), static_cast<std::uint8_t>(position)};
  hasher.update(head);
  std::vector<std::uint8_t> scratch;
  for (std::uint64_t offset = 0; offset < size; offset += kPiece) {
    ASSAY_TRY(const View piece, view_of(module, offset, std::min(kPiece, size - offset), scratch));
    hasher.update(piece.bytes());
  }
  return tree::finish<ModuleTreeKind>(std::move(hasher));
}

Result<ModuleHash> module_node(const ModuleHash& left, const ModuleHash& right) {
  return tree::join(kNode, left, right);
}

unsigned module_tree_levels(std::uint64_t count) {
  if (count < 2) return static_cast<unsigned>(count);
  return static_cast<unsigned>(std::bit_width(count - 1));
}

Result<ModuleHash> climb(const ModuleProof& proof, const ModuleHash& leaf) {
  ModuleHash current = leaf;
  std::uint64_t position = proof.position;
  for (const ModuleHash& sibling : proof.siblings) {
    const bool is_right = (position & 1) != 0;
    ASSAY_TRY(current, is_right ? module_node(sibling, current) : module_node(current, sibling));
    position >>= 1;
  }
  return current;
}

Result<ModuleTree> ModuleTree::make(std::vector<ModuleHash> leaves) {
  if (leaves.size() > std::uint64_t{1} << kModuleTreeLevels)
    return fail(Reason::limit_size, {}, "a tree of more than 2^32 modules");
  ModuleTree tree;
  tree.levels_.push_back(std::move(leaves));
  const unsigned levels = module_tree_levels(tree.size());
  for (unsigned level = 0; level < levels; ++level) {
    ASSAY_TRY(auto above, join_pairs(tree.levels_.back()));
    tree.levels_.push_back(std::move(above));
  }
  if (tree.size() != 0) tree.root_ = tree.levels_.back().front();
  return tree;
}

ModuleProof ModuleTree::proof(std::uint32_t position) const {
  ModuleProof proof{position, {}};
  std::size_t at = position;
  for (unsigned level = 0; level < levels(); ++level) {
    const std::vector<ModuleHash>& nodes = levels_[level];
    proof.siblings.push_back(nodes[std::min(at ^ 1, nodes.size() - 1)]);
    at >>= 1;
  }
  return proof;
}

}  // namespace assay
