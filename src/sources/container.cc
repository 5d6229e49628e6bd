#include "sources/container.h"

#include <algorithm>
#include <vector>

#include "base/nesting_limits.h"
#include "formats/cpio.h"
#include "formats/fat.h"
#include "formats/iso9660.h"
#include "formats/partition_table.h"
#include "formats/rpm.h"
#include "sources/deb.h"
#include "sources/disk.h"
#include "sources/erofs_tree.h"
#include "sources/erofs_volume.h"
#include "sources/ext_tree.h"
#include "sources/ext_volume.h"
#include "sources/fat_tree.h"
#include "sources/initramfs.h"
#include "sources/iso_tree.h"
#include "sources/nest.h"
#include "sources/rpm.h"
#include "sources/squash_tree.h"
#include "sources/squash_volume.h"
#include "sources/tar_archive.h"
#include "sources/unified_kernel.h"

namespace assay {

namespace {

// POSIX and GNU: the magic is followed by NUL and "00", or by two spaces and NUL.
bool is_tar(View head) {
  constexpr std::size_t kMagic = 257;
  return head.size() > kMagic && head.text().substr(kMagic).starts_with("ustar");
}

std::optional<ContainerKind> kind_of(View head, std::uint64_t size) {
  if (is_deb(head)) return ContainerKind::deb;
  if (is_rpm(head)) return ContainerKind::rpm;
  if (is_cpio(head)) return ContainerKind::initramfs;
  if (is_tar(head)) return ContainerKind::tar;
  if (IsoVolume::is_iso(head)) return ContainerKind::iso9660;
  if (FatVolume::is_fat(head)) return ContainerKind::fat;
  if (SquashVolume::is_squash(head)) return ContainerKind::squashfs;
  if (ErofsVolume::is_erofs(head)) return ContainerKind::erofs;
  if (ExtVolume::is_ext(head)) return ContainerKind::ext;
  if (is_unified_kernel(head)) return ContainerKind::unified_kernel;
  if (is_disk(head, size)) return ContainerKind::disk;
  return std::nullopt;
}

std::optional<ContainerKind> kind_by_name(std::string_view name) {
  if (name.ends_with(".deb")) return ContainerKind::deb;
  if (name.ends_with(".rpm")) return ContainerKind::rpm;
  return std::nullopt;
}

// The first bytes of what a compressed file holds. What is damaged behind them its reader finds;
// one that is damaged before is no container.
std::vector<std::uint8_t> decoded_head(Codec codec, const Content& content) {
  std::vector<std::uint8_t> head(limits::kContainerHead);
  DecoderOptions options;
  options.shares_memory = false;
  options.after = AfterStream::ignore;
  auto decoder = open_decoder(codec, std::make_unique<ContentStream>(content), options);
  std::size_t filled = 0;
  while (decoder && filled < head.size()) {
    const auto got = (*decoder)->read(std::span(head).subspan(filled));
    if (!got || *got == 0) break;
    filled += *got;
  }
  head.resize(filled);
  return head;
}

Result<void> walk_plain(ContainerKind kind, const Content& content, const std::string& name,
                        Nest& nest) {
  switch (kind) {
    case ContainerKind::deb: return walk_deb(content, name, nest);
    case ContainerKind::rpm: return walk_rpm(content, name, nest);
    case ContainerKind::tar: return walk_tar(content, std::nullopt, name, nest);
    case ContainerKind::initramfs: return walk_initramfs(content, name, nest);
    case ContainerKind::iso9660: return walk_iso(content, name, nest);
    case ContainerKind::fat: return walk_fat(content, name, nest);
    case ContainerKind::squashfs: return walk_squash(content, name, nest);
    case ContainerKind::erofs: return walk_erofs(content, name, nest);
    case ContainerKind::ext: return walk_ext(content, name, nest);
    case ContainerKind::unified_kernel: return walk_unified_kernel(content, name, nest);
    case ContainerKind::disk: return walk_disk(content, name, nest);
  }
  return {};
}

}  // namespace

bool is_package_name(std::string_view name) { return kind_by_name(name).has_value(); }

bool is_package(const Container& container) {
  return container.kind == ContainerKind::deb || container.kind == ContainerKind::rpm;
}

bool is_artifact(const Container& container) {
  return container.kind == ContainerKind::unified_kernel;
}

bool may_be_container(View head, std::uint64_t size, std::string_view name) {
  return is_package_name(name) || kind_of(head, size) || detect_codec(head);
}

Result<std::optional<Container>> detect_container(const Content& content, std::string_view name) {
  if (const auto kind = kind_by_name(name)) return Container{*kind, std::nullopt};
  std::vector<std::uint8_t> scratch;
  const std::uint64_t size = std::min<std::uint64_t>(content.size(), limits::kContainerHead);
  ASSAY_TRY(const View head, view_of(content, 0, size, scratch));
  if (const auto kind = kind_of(head, content.size())) return Container{*kind, std::nullopt};
  const auto codec = detect_codec(head);
  if (!codec) return std::nullopt;
  const std::vector<std::uint8_t> inside = decoded_head(*codec, content);
  if (const auto kind = kind_of(View(inside), UINT64_MAX)) return Container{*kind, codec};
  return std::nullopt;
}

Result<void> walk_container(const Container& container, const Content& content,
                            const std::string& name, Nest& nest) {
  // An initramfs is compressed in parts, and its reader sees to that.
  if (!container.codec || container.kind == ContainerKind::initramfs)
    return walk_plain(container.kind, content, name, nest);
  if (container.kind == ContainerKind::tar) return walk_tar(content, container.codec, name, nest);
  std::unique_ptr<Content> plain;
  {
    ASSAY_TRY(const auto decoder,
              nest.open_decoder(*container.codec, std::make_unique<ContentStream>(content)));
    ASSAY_TRY(plain, nest.hold_container(*decoder));
  }
  return walk_plain(container.kind, *plain, name, nest);
}

}  // namespace assay
