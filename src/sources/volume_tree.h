// sources/volume_tree.h - the tree of a file system whose reader finds all by the number of an
// inode: folder(), file(), target() and attributes() of each.

#pragma once

#include "sources/tree.h"

namespace assay {

template <typename Volume>
class VolumeTree final : public Tree {
 public:
  // `volume` outlives it.
  explicit VolumeTree(const Volume& volume) : volume_(volume) {}

  TreeNode root() const override { return {"", NodeKind::folder, volume_.root()}; }
  Result<std::vector<TreeNode>> list(const TreeNode& folder, std::uint64_t most) override {
    return volume_.folder(folder.id, most);
  }
  Result<std::unique_ptr<Content>> open(const TreeNode& file) override {
    return volume_.file(file.id);
  }
  Result<std::string> target(const TreeNode& link) override { return volume_.target(link.id); }
  Result<std::optional<FileAttributes>> attributes(const TreeNode& file) override {
    return volume_.attributes(file.id);
  }

 private:
  const Volume& volume_;
};

}  // namespace assay
