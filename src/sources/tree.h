// sources/tree.h - a file system in an image, as its reader shows it; and the walk through it,
// depth first, which ends whatever the image says.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sources/archive.h"

namespace assay {

enum class NodeKind : std::uint8_t { folder, regular, symbolic_link, other };

struct TreeNode {
  std::string name;  // one component; what is none is an error of the folder
  NodeKind kind = NodeKind::other;
  std::uint64_t id = 0;  // whatever the reader finds it again by; of folders, one each
};

class Tree {
 public:
  virtual ~Tree() = default;

  virtual TreeNode root() const = 0;
  // Without "." and "..". At most `most`: beyond it limit_count.
  virtual Result<std::vector<TreeNode>> list(const TreeNode& folder, std::uint64_t most) = 0;
  // Of a regular file. Valid as long as the tree.
  virtual Result<std::unique_ptr<Content>> open(const TreeNode& file) = 0;
  // Where a symbolic link leads.
  virtual Result<std::string> target(const TreeNode&) { return std::string(); }
  virtual Result<std::optional<FileAttributes>> attributes(const TreeNode&) { return std::nullopt; }
};

// Sorted by name. A folder that is reached twice, or cannot be listed, is a failure, and the walk
// goes on.
class TreeArchive final : public Archive {
 public:
  TreeArchive(Tree& tree, const std::string& name, Nest& nest)
      : tree_(tree), name_(name), nest_(nest) {}

  Result<void> for_each(const Visit& visit) override;

 private:
  struct Pending {
    std::string path;
    TreeNode node;
  };
  Result<void> list(const Pending& folder, std::vector<Pending>& pending);
  Result<void> visit_node(const Pending& at, std::uint64_t index, const Visit& visit);
  // Once, however often the tree is walked.
  void fail_at(Error error, const std::string& path);

  Tree& tree_;
  const std::string& name_;
  Nest& nest_;
  bool is_first_ = true;
};

// `name` is the image's, as printed.
Result<void> walk_tree(Tree& tree, const std::string& name, Nest& nest);

}  // namespace assay
