#include "sources/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "base/name.h"
#include "base/nesting_limits.h"
#include "sources/nest.h"

namespace assay {

namespace {

bool is_component(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
         name.find('\0') == name.npos;
}

}  // namespace

void TreeArchive::fail_at(Error error, const std::string& path) {
  if (is_first_) nest_.failed(with_path(std::move(error), nested_name(name_, path)));
}

Result<void> TreeArchive::list(const Pending& folder, std::vector<Pending>& pending) {
  ASSAY_TRY(auto nodes, tree_.list(folder.node, limits::kPendingNodes - pending.size()));
  std::ranges::sort(nodes, std::ranges::greater(), &TreeNode::name);
  for (TreeNode& node : nodes) {
    std::string path = folder.path.empty() ? node.name : folder.path + '/' + node.name;
    if (!is_component(node.name))
      fail_at({Reason::bad_value, {}, "the name of a file that cannot be one"}, path);
    else if (path.size() > limits::kMemberPath)
      fail_at({Reason::limit_size, {}, fmt::format("a path of {} bytes", path.size())},
              folder.path);
    else
      pending.push_back({std::move(path), std::move(node)});
  }
  return {};
}

Result<void> TreeArchive::for_each(const Visit& visit) {
  std::unordered_set<std::uint64_t> reached;
  std::vector<Pending> pending;
  pending.push_back({"", tree_.root()});
  std::uint64_t index = 0;
  while (!pending.empty()) {
    const Pending at = std::move(pending.back());
    pending.pop_back();
    if (at.node.kind != NodeKind::folder) {
      ASSAY_CHECK(visit_node(at, index++, visit));
      continue;
    }
    ASSAY_CHECK(nest_.count_member());
    if (!reached.insert(at.node.id).second) {
      fail_at({Reason::archive_corrupt, {}, "the folder is reached a second time"}, at.path);
    } else if (auto listed = list(at, pending); !listed) {
      // Of an image whose root cannot be read nothing else can.
      if (at.path.empty()) return listed;
      fail_at(std::move(listed).error(), at.path);
    }
  }
  is_first_ = false;
  return {};
}

Result<void> TreeArchive::visit_node(const Pending& at, std::uint64_t index, const Visit& visit) {
  ArchiveEntry entry;
  entry.name = at.path;
  const MemoryContent nothing({});
  std::unique_ptr<Content> content;
  const auto read = [&]() -> Result<void> {
    if (at.node.kind == NodeKind::symbolic_link) {
      entry.kind = EntryKind::symbolic_link;
      ASSAY_TRY(entry.target, tree_.target(at.node));
    } else if (at.node.kind == NodeKind::regular) {
      entry.kind = EntryKind::regular;
      ASSAY_TRY(content, tree_.open(at.node));
      entry.size = content->size();
      ASSAY_TRY(entry.attributes, tree_.attributes(at.node));
    }
    return {};
  };
  if (auto done = read(); !done) {
    fail_at(std::move(done).error(), at.path);
    return {};
  }
  return visit(entry, index, content ? EntryContent(*content) : EntryContent(nothing));
}

Result<void> walk_tree(Tree& tree, const std::string& name, Nest& nest) {
  TreeArchive archive(tree, name, nest);
  return walk_archive(archive, name, nest);
}

}  // namespace assay
