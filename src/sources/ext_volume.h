// sources/ext_volume.h - an ext2, ext3 or ext4 file system in an image: its inodes, through
// libext2fs, which reads from nothing but the Content.
//
//   0      boot sector or nothing
//   1024   superblock; magic 53 EF at 1080 (struct ext4_super_block, fs/ext4/ext4.h)
//   ...    groups, each with descriptors, bitmaps, inodes and blocks
//
// Written by mke2fs, read by fs/ext4 of the kernel. Libext2fs decodes superblock, descriptors,
// inodes, extended attributes and data in inodes, and checks their checksums; the blocks of a file
// are collected here one step at a time, so that trees that lead to themselves come to an end.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bytes/content.h"
#include "sources/file_attributes.h"
#include "sources/tree.h"

namespace assay {

class ExtVolume {
 public:
  static bool is_ext(View head);

  // `image` outlives the volume. What the kernel does not mount is an Error: archive_unsupported
  // for features, bad_length where the image ends before the file system.
  static Result<std::unique_ptr<ExtVolume>> open(const Content& image);
  ~ExtVolume();
  ExtVolume(const ExtVolume&) = delete;
  ExtVolume& operator=(const ExtVolume&) = delete;

  // The kernel would write there first, when it mounts: files may be others than those found.
  bool needs_recovery() const;

  static std::uint64_t root();
  // A node's id is its inode.
  Result<std::vector<TreeNode>> folder(std::uint64_t inode, std::uint64_t most) const;
  // limit_count beyond limits::kRuns pieces. archive_unsupported where it is encrypted.
  Result<std::unique_ptr<Content>> file(std::uint64_t inode) const;
  Result<std::string> target(std::uint64_t inode) const;
  Result<FileAttributes> attributes(std::uint64_t inode) const;

 private:
  struct State;
  explicit ExtVolume(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace assay
