#include "survey/proof_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/name.h"
#include "bytes/atomic_file.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;

bool stays_inside(const std::filesystem::path& name) {
  return name.is_relative() &&
         std::ranges::none_of(name, [](const auto& part) { return part == ".."; });
}

class FolderWriter {
 public:
  explicit FolderWriter(const std::string& folder) : folder_(folder) {}

  Result<void> write(const std::string& name, Bytes bytes) {
    const std::filesystem::path path = std::filesystem::path(folder_) / name;
    const std::string parent = path.parent_path().string();
    if (made_.insert(parent).second) ASSAY_CHECK(make_folders(parent));
    return writer_.write({.path = path.string(), .content = MemoryContent(std::move(bytes))});
  }
  Result<void> finish() {
    for (const Error& error : writer_.commit()) return std::unexpected(error);
    return {};
  }

 private:
  std::string folder_;
  std::set<std::string> made_;
  AtomicWriter writer_{WritePolicy{}};
};

Result<void> add_proofs(FolderWriter& folder, const ModuleOrder& order, const ModuleTree& tree) {
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    if (!stays_inside(order.name(i)))
      return fail(Reason::bad_value, {},
                  fmt::format("{}: not a name inside a folder", encode_name(order.name(i))));
    ASSAY_CHECK(folder.write(order.name(i) + ".merkle", write_module_trailer(tree.proof(i))));
  }
  return {};
}

}  // namespace

Result<void> write_proof_files(const std::string& folder, const ModuleOrder& order,
                               const ModuleTree& tree) {
  FolderWriter writer(folder);
  ASSAY_CHECK(add_proofs(writer, order, tree));
  return writer.finish();
}

Result<void> write_tree_files(const std::string& folder, const ModuleOrder& order,
                              const ModuleTree& tree, bool big_endian) {
  FolderWriter writer(folder);
  const auto root = write_module_root({tree.levels(), tree.root()}, big_endian);
  ASSAY_CHECK(writer.write("module_hashes", {root.begin(), root.end()}));
  std::string lines;
  for (std::uint32_t i = 0; i < order.size(); ++i) lines += order.name(i) + ".ko\n";
  ASSAY_CHECK(writer.write("modules.order", {lines.begin(), lines.end()}));
  ASSAY_CHECK(add_proofs(writer, order, tree));
  return writer.finish();
}

}  // namespace assay
