// sources/container.h - which containers there are, and how each is told: by its first bytes.
//
//   kind       at        bytes
//   deb        0         "!<arch>\n" "debian-binary", or the name ends in ".deb"
//   rpm        0         ED AB EE DB, or the name ends in ".rpm"
//   tar        257       "ustar"
//   initramfs  0         "070701" or "070702" and hexadecimal numbers (formats/cpio.h)
//   iso9660    32769     "CD001"
//   fat        0         a boot sector (formats/fat.h)
//   squashfs   0         "hsqs", version 4.0
//   unified    0         "MZ", and a section .initrd or .ucode (sources/unified_kernel.h)
//   erofs      1024      E2 E1 F5 E0
//   ext        1080      53 EF, and a superblock around it (sources/ext_volume.h)
//   disk       446       partitions (formats/partition_table.h); after all others, whose first
//   sector
//                        may have partitions too
//
// Each may be compressed as a whole (codec/codec.h).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bytes/content.h"
#include "codec/codec.h"

namespace assay {

class Nest;

enum class ContainerKind : std::uint8_t {
  deb,
  rpm,
  tar,
  initramfs,
  iso9660,
  fat,
  squashfs,
  erofs,
  ext,
  unified_kernel,
  disk
};

struct Container {
  ContainerKind kind;
  std::optional<Codec> codec;  // that it is compressed with
};

// By the name alone.
bool is_package_name(std::string_view name);
// A package has no other use than to be opened.
bool is_package(const Container& container);
// It is looked at itself, whatever lies in it.
bool is_artifact(const Container& container);

// Whether `head`, the first limits::kContainerHead bytes of a file of `size` bytes or all it has,
// leaves that open.
bool may_be_container(View head, std::uint64_t size, std::string_view name);
// Nothing when it is none.
Result<std::optional<Container>> detect_container(const Content& content, std::string_view name);

// `name` is the container's, as printed.
Result<void> walk_container(const Container& container, const Content& content,
                            const std::string& name, Nest& nest);

}  // namespace assay
