// sources/squash_volume.h - a squashfs file system (version 4) in an image, by all its compressors.
//
//   0       superblock of 96 bytes: "hsqs", sizes, where the tables lie
//   ...     blocks of files, each compressed or not; fragments: blocks that ends of files share
//   tables  inodes, folders, fragments, owners, extended attributes: in blocks of 8 KiB, each with
//           its size in 16 bits before it, compressed or not. A reference is such a block's place
//           in its table, and an offset in what it unpacks to.
//
// Written by mksquashfs, read by fs/squashfs of the kernel (squashfs_fs.h has the layout). The
// blocks are unpacked by libsquashfs (and our own LZO1X, which it lacks); tables are read here,
// because libsquashfs takes the memory that an image asks for.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bytes/content.h"
#include "sources/file_attributes.h"
#include "sources/tree.h"

namespace assay {

class SquashVolume {
 public:
  static bool is_squash(View head);

  // `image` outlives the volume.
  static Result<std::unique_ptr<SquashVolume>> open(const Content& image);
  ~SquashVolume();
  SquashVolume(const SquashVolume&) = delete;
  SquashVolume& operator=(const SquashVolume&) = delete;

  // A node's id is the reference of its inode.
  std::uint64_t root() const;
  Result<std::vector<TreeNode>> folder(std::uint64_t inode, std::uint64_t most) const;
  // Valid as long as the volume; one is to be read at a time. limit_count beyond limits::kBlocks.
  Result<std::unique_ptr<Content>> file(std::uint64_t inode) const;
  Result<std::string> target(std::uint64_t inode) const;
  Result<FileAttributes> attributes(std::uint64_t inode) const;

 private:
  struct State;
  explicit SquashVolume(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace assay
