// sources/initramfs_names.h - which names of an initramfs reach one file in the end, and which
// entry wrote it last.
//
// The kernel makes a hard link where device, inode number and type of an entry with two links or
// more are known from before, and writes the content of whichever entry has one into the file that
// they share (init/initramfs.c, maybe_link, do_name, do_copy). An entry that comes later and has
// one of their names, whatever its inode number, writes into that file too: it is opened, not
// replaced. So what a name leads to is known only at the end of the archive.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "formats/cpio.h"

namespace assay {

class InitramfsNames {
 public:
  // A regular file. True where its content may change, or get other names: it is among the shared.
  // limit_count beyond limits::kInitramfsNames.
  Result<bool> add_file(const CpioHeader& header, const std::string& name, std::uint64_t index);
  Result<void> add_symlink(const std::string& name, const std::string& target);
  // Anything else takes the place of what had the name.
  Result<void> add_other(const std::string& name);
  // The end of one archive: numbers of inodes mean something else in the next.
  void end_archive() { by_inode_.clear(); }

  bool has_shared() const { return !files_.empty(); }
  // The names of the shared file that the entry `index` wrote last, as stored; often none.
  std::vector<std::string> names_written_by(std::uint64_t index) const;

 private:
  using Inode = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;  // and its device

  struct File {
    std::uint64_t writer = 0;                  // the entry that wrote it last
    std::map<std::string, std::string> names;  // resolved, and as stored
  };

  Result<void> count(std::uint64_t steps = 1);
  Result<std::string> resolve(const std::string& name);
  void unlink(const std::string& path);
  std::size_t file_of(const std::string& path, const std::string& name);
  void write(std::size_t file, std::uint64_t index);

  std::vector<File> files_;
  std::unordered_map<std::uint64_t, std::size_t> written_by_;  // entries that wrote, and where
  std::unordered_map<std::string, std::size_t> by_path_;
  std::map<Inode, std::string> by_inode_;  // the path of its first entry
  std::unordered_map<std::string, std::string> symlinks_;
  std::uint64_t count_ = 0;
};

}  // namespace assay
