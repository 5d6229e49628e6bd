// bytes/atomic_file.h - the only writer of artifacts' content: a file is the old one or the new
// one, at any moment and after any kill.
//
// The new file is written beside the old one under another name (bytes/temporary_name.h), gets its
// mode, owner and extended attributes, and is renamed over it. What runs that were killed left in
// the same folders is removed. With Durability::run the renames wait for commit(), which syncs once
// before the first of them and once after the last:
//
//     write(a) write(b) ... write(z)   sync   rename a b ... z   sync
//
// so that a run over thousands of files waits for the disk twice.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "bytes/file_calls.h"
#include "bytes/file_descriptor.h"

namespace assay {

enum class Durability : std::uint8_t {
  each,  // every file is on the disk when write() returns
  run,   // all are when commit() returns; no content is replaced before
  none,  // replaced at once, and written to the disk when the system likes
};

struct WritePolicy {
  Durability durability = Durability::run;
  bool keep_times = false;
  // A symbolic link is replaced itself; else the file it leads to.
  bool replace_symlinks = false;
  // The other names of a file keep the old content; else such a file is refused (hard_links).
  bool break_hard_links = false;
  // Renames wait for commit() whatever the durability: for files that may only be replaced when
  // something else is known to be written.
  bool wait_for_commit = false;
};

// An extended attribute as it is to be; without a value it goes.
struct AttributeChange {
  std::string name;
  std::optional<std::vector<std::uint8_t>> value;
};

// A file as it was when it was read. Replacing it fails with changed_while_read once it is another.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_sec = 0;
  std::int64_t modified_nsec = 0;
  // Of the inode, which nobody can set back.
  std::int64_t changed_sec = 0;
  std::int64_t changed_nsec = 0;
  std::uint64_t link_count = 0;
  bool is_regular = false;
};
// Whether the file is still the one that it was. One that lost names since (another was replaced,
// which changes the inode) is.
bool is_unchanged(const FileStamp& then, const FileStamp& now);
// Links are followed. Before the file is read.
Result<FileStamp> stamp_file(const std::string& path);
Result<FileStamp> stamp_file(const FileDescriptor& file);

// Everything written to these file systems, each named by a folder on it, is on the disk. The error
// names the folder.
Result<void> sync_file_systems(FileCalls& calls,
                               const std::map<std::uint64_t, std::string>& folders);

struct FileToWrite {
  std::string path;
  const Content& content;
  // Of those of the file that is replaced, or that it is like.
  std::vector<AttributeChange> attributes = {};
  std::optional<FileStamp> replaces = {};
  // A file made from this open one: it gets its mode, its access list, and its owner where we may
  // give that, else without the set-user-id bits. Nothing stays of a file that is replaced. None:
  // all of that file stays; where there is none, 0666 less the umask.
  std::shared_ptr<const FileDescriptor> like = {};
  // And all other extended attributes of `like`.
  bool keeps_attributes = false;
};

class AtomicWriter {
 public:
  explicit AtomicWriter(WritePolicy policy, FileCalls& calls = FileCalls::system());
  // Removes what was written and never committed.
  ~AtomicWriter();
  AtomicWriter(const AtomicWriter&) = delete;
  AtomicWriter& operator=(const AtomicWriter&) = delete;

  // Called by several threads at once. A file that fails is as it was.
  Result<void> write(const FileToWrite& file);

  // Puts in place what waits. Each error names the file, which is as it was; where the sync before
  // the renames fails, that is each of them. An error of the sync after them names a folder.
  std::vector<Error> commit();

 private:
  struct Waiting {
    std::string temporary;
    std::string target;
    std::string path;  // as it was given
    std::optional<FileStamp> replaces;
    std::uint64_t device = 0;
  };
  Result<Waiting> write_beside(const FileToWrite& file);
  void remove_left_over(const std::string& folder);
  Result<void> put_in_place(const Waiting& waiting);
  Result<void> sync_folder(const std::string& target);
  Result<void> sync_all(const std::vector<Waiting>& files);

  WritePolicy policy_;
  FileCalls& calls_;
  std::string mark_;  // of the names of temporaries
  std::mutex mutex_;
  std::vector<Waiting> waiting_;
  std::set<std::string> swept_;  // folders
};

// A folder, with those that lead to it, where they are missing.
Result<void> make_folders(const std::string& path);

// Waits until nobody else has this folder locked; the lock goes with the descriptor. For files that
// are read, added to and replaced: two runs that did so at once would lose what one of them added.
Result<FileDescriptor> lock_folder(const std::string& path);

}  // namespace assay
