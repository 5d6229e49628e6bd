#include "sources/fat_tree.h"

#include "formats/fat.h"
#include "sources/tree.h"

namespace assay {

namespace {

// A node's id is its first cluster, and a file's size above that.
class FatTree final : public Tree {
 public:
  explicit FatTree(FatVolume volume) : volume_(std::move(volume)) {}

  // No folder begins in cluster 0.
  TreeNode root() const override { return {"", NodeKind::folder, 0}; }

  Result<std::vector<TreeNode>> list(const TreeNode& folder, std::uint64_t most) override {
    ASSAY_TRY(const auto entries,
              folder.id == 0 ? volume_.root(most) : volume_.folder(cluster_of(folder), most));
    std::vector<TreeNode> nodes;
    for (const FatEntry& entry : entries)
      nodes.push_back(
          {entry.name, entry.is_folder ? NodeKind::folder : NodeKind::regular,
           entry.is_folder ? entry.cluster : std::uint64_t{entry.size} << 32 | entry.cluster});
    return nodes;
  }

  Result<std::unique_ptr<Content>> open(const TreeNode& file) override {
    return volume_.file(cluster_of(file), static_cast<std::uint32_t>(file.id >> 32));
  }

 private:
  static std::uint32_t cluster_of(const TreeNode& node) {
    return static_cast<std::uint32_t>(node.id);
  }

  FatVolume volume_;
};

}  // namespace

Result<void> walk_fat(const Content& image, const std::string& name, Nest& nest) {
  ASSAY_TRY(FatVolume volume, FatVolume::open(image));
  FatTree tree(std::move(volume));
  return walk_tree(tree, name, nest);
}

}  // namespace assay
