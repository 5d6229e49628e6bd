// sources/test_volume_laws.h - for fuzz targets: the laws of every reader of a file system
// (sources/volume_tree.h).

#pragma once

#include <algorithm>
#include <vector>

#include "base/nesting_limits.h"
#include "sources/tree.h"
#include "testing/fuzz.h"

namespace assay {

template <typename Volume>
void fuzz_node(const Volume& volume, const TreeNode& node) {
  if (node.kind == NodeKind::symbolic_link) {
    const auto target = volume.target(node.id);
    fuzz_check(!target || target->size() <= limits::kMemberPath, "the length of a path");
  }
  const auto attributes = volume.attributes(node.id);
  const auto again = volume.attributes(node.id);
  fuzz_check(attributes.has_value() == again.has_value() &&
                 (!attributes || attributes->security == again->security),
             "read twice, it is the same");
  if (node.kind != NodeKind::regular) return;
  const auto file = volume.file(node.id);
  if (!file) return;
  std::vector<std::uint8_t> start(std::min<std::uint64_t>((*file)->size(), 100'000));
  std::vector<std::uint8_t> same(start.size());
  if (!(*file)->read(0, start)) return;
  fuzz_check((*file)->read(0, same).has_value() && start == same, "read twice, it is the same");
}

// The root and the folders in it.
template <typename Volume>
void fuzz_volume(const Volume& volume) {
  constexpr std::uint64_t kMost = 100;
  const auto root = volume.folder(volume.root(), kMost);
  if (!root) return;
  fuzz_check(root->size() <= kMost, "entries within the limit");
  for (const TreeNode& node : *root) {
    fuzz_node(volume, node);
    if (node.kind != NodeKind::folder) continue;
    const auto folder = volume.folder(node.id, kMost);
    if (!folder) continue;
    fuzz_check(folder->size() <= kMost, "entries within the limit");
    for (const TreeNode& inner : *folder) fuzz_node(volume, inner);
  }
}

}  // namespace assay
