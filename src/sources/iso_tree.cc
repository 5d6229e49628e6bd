#include "sources/iso_tree.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/name.h"
#include "formats/iso9660.h"
#include "sources/nest.h"
#include "sources/tree.h"

namespace assay {

namespace {

// A folder's id is where its records lie, a file's where its own record lies.
class IsoTree final : public Tree {
 public:
  IsoTree(IsoVolume volume, std::vector<IsoBootImage> boot_images)
      : volume_(volume), boot_images_(std::move(boot_images)) {}

  TreeNode root() const override { return {"", NodeKind::folder, volume_.root()}; }

  Result<std::vector<TreeNode>> list(const TreeNode& folder, std::uint64_t most) override {
    ASSAY_TRY(const auto entries, volume_.folder(folder.id, most));
    std::vector<TreeNode> nodes;
    for (const IsoEntry& entry : entries) {
      nodes.push_back({entry.name, kind_of(entry), entry.is_folder ? entry.offset : entry.record});
      std::erase_if(boot_images_,
                    [&](const IsoBootImage& image) { return image.where.offset == entry.offset; });
    }
    return nodes;
  }

  Result<std::unique_ptr<Content>> open(const TreeNode& file) override {
    return volume_.file(file.id);
  }

  Result<std::string> target(const TreeNode& link) override {
    ASSAY_TRY(const IsoEntry entry, volume_.entry(link.id));
    return entry.target.value_or("");
  }

  Result<std::optional<FileAttributes>> attributes(const TreeNode& file) override {
    ASSAY_TRY(const IsoEntry entry, volume_.entry(file.id));
    if (!entry.mode) return std::nullopt;
    FileAttributes attributes;
    attributes.owner = entry.owner;
    attributes.group = entry.group;
    attributes.mode = static_cast<std::uint16_t>(*entry.mode);
    attributes.has_xattrs = entry.has_xattrs;
    for (const auto& [name, value] : entry.xattrs)
      if (name.starts_with("security.")) attributes.security[name] = value;
    return attributes;
  }

  // Those that no file is.
  const std::vector<IsoBootImage>& boot_images() const { return boot_images_; }

 private:
  static NodeKind kind_of(const IsoEntry& entry) {
    if (entry.is_folder) return NodeKind::folder;
    if (entry.target) return NodeKind::symbolic_link;
    if (entry.mode && !S_ISREG(*entry.mode)) return NodeKind::other;
    return NodeKind::regular;
  }

  IsoVolume volume_;
  std::vector<IsoBootImage> boot_images_;
};

}  // namespace

Result<void> walk_iso(const Content& image, const std::string& name, Nest& nest) {
  ASSAY_TRY(const IsoVolume volume, IsoVolume::open(image));
  auto boot_images = volume.boot_images();
  if (!boot_images) nest.failed(with_path(boot_images.error(), nested_name(name, "El Torito")));
  IsoTree tree(volume, boot_images.value_or(std::vector<IsoBootImage>()));
  ASSAY_CHECK(walk_tree(tree, name, nest));
  for (const IsoBootImage& boot : tree.boot_images()) {
    const RunsContent content(image, boot.where);
    const std::string path = fmt::format("El Torito/{}", boot.number);
    ASSAY_CHECK(nest.file({name, path, content.size(), std::nullopt}, EntryContent(content)));
  }
  return {};
}

}  // namespace assay
