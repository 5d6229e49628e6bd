// sources/erofs_volume.h - an EROFS file system in an image, not compressed or by LZ4.
//
//   1024    superblock of 128 bytes: E2 E1 F5 E0, the size of blocks, where inodes and shared
//           extended attributes lie
//   inodes  32 or 64 bytes at 32 times their number; behind each its extended attributes, and the
//           end of the file, or where its chunks or clusters lie
//   folders blocks with entries of 12 bytes, and names behind them
//
// Written by mkfs.erofs, read by fs/erofs of the kernel (erofs_fs.h has the layout). Not read:
// LZMA and DEFLATE, ends of files packed together (fragments), data on further devices.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bytes/content.h"
#include "bytes/reader.h"
#include "sources/file_attributes.h"
#include "sources/tree.h"

namespace assay {

class ErofsVolume {
 public:
  static bool is_erofs(View head);

  // `image` outlives the volume. archive_unsupported for features; bad_value where the superblock's
  // checksum does not hold.
  static Result<ErofsVolume> open(const Content& image);

  // A node's id is its number.
  std::uint64_t root() const { return root_; }
  Result<std::vector<TreeNode>> folder(std::uint64_t node, std::uint64_t most) const;
  Result<std::unique_ptr<Content>> file(std::uint64_t node) const;
  Result<std::string> target(std::uint64_t node) const;
  Result<FileAttributes> attributes(std::uint64_t node) const;

 private:
  struct Inode {
    std::uint64_t number = 0;
    std::uint64_t offset = 0;  // of the inode
    std::uint64_t xattrs = 0;  // of its extended attributes, which end at `behind`
    std::uint64_t behind = 0;
    std::uint64_t size = 0;
    unsigned layout = 0;
    std::uint16_t mode = 0;
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    std::uint32_t place = 0;  // the first block, or the format of chunks
    std::uint32_t serial = 0;
  };

  explicit ErofsVolume(const Content& image) : image_(&image) {}

  template <std::size_t N>
  Result<Record<N>> record(std::uint64_t offset) const;
  Result<Inode> inode(std::uint64_t node) const;
  Result<std::unique_ptr<Content>> bytes(const Inode& inode) const;
  Result<std::unique_ptr<Content>> flat(const Inode& inode, bool has_tail) const;
  Result<std::unique_ptr<Content>> chunks(const Inode& inode) const;
  // Adds it when its name begins with "security.", and says how long it is.
  Result<std::uint64_t> add_xattr(std::uint64_t offset, FileAttributes& out) const;
  Result<void> add_entries(View block, std::uint64_t most, std::vector<TreeNode>& nodes) const;

  const Content* image_;
  unsigned block_bits_ = 12;
  std::uint64_t inodes_ = 0;  // offsets
  std::uint64_t shared_xattrs_ = 0;
  std::uint64_t root_ = 0;
  std::uint16_t device_mask_ = 0;
  std::array<std::uint8_t, 16> uuid_{};
};

}  // namespace assay
