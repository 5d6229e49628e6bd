// bytes/attribute_writer.h - one extended attribute of a file set or removed where the file lies:
// for edits that leave content, mode and owner alone.
//
// setxattr(2) is one step for everybody who looks: after a kill at any moment the attribute is the
// old one or the new one, and file systems with a journal keep it so when the power fails. Nothing
// else of the file can be lost, because nothing else is written. Of two attributes that belong
// together (security.ima and the security.evm over it) one could be left without the other: such
// edits are for AtomicWriter, which replaces the file.
//
//     set a, set b, ... set z   sync
//
// As with AtomicWriter a run waits for the disk at its end, here once for each file system. Of a
// long run what was set so far is synced meanwhile, so that less is left to wait for.

#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "bytes/atomic_file.h"
#include "bytes/file_calls.h"
#include "bytes/file_descriptor.h"

namespace assay {

struct AttributeToWrite {
  std::string path;
  AttributeChange change;
  FileStamp of;  // the file that was read; another under its name is left alone
  // That file, where it is open still; else it is opened again.
  const FileDescriptor* file = nullptr;
};

class AttributeWriter {
 public:
  // Of the policy: durability and wait_for_commit. Durability::run makes nobody wait before the
  // first file is changed: no content has to be on the disk for the attribute to be true of it.
  explicit AttributeWriter(const WritePolicy& policy, FileCalls& calls = FileCalls::system());
  AttributeWriter(const AttributeWriter&) = delete;
  AttributeWriter& operator=(const AttributeWriter&) = delete;

  // Whether this is the writer for such a change. Files with further names, and links that are to
  // be replaced themselves, are AtomicWriter's, which refuses or separates them.
  static bool can_write(const std::vector<AttributeChange>& changes, const FileStamp& of,
                        const WritePolicy& policy);

  // Called by several threads at once. A file that fails is as it was: changed_while_read where
  // content, inode or name changed since it was read.
  Result<void> write(const AttributeToWrite& attribute);

  // What AtomicWriter::commit says.
  std::vector<Error> commit();

 private:
  Result<void> set(const AttributeToWrite& attribute, const FileDescriptor& file);
  Result<void> open_and_set(const AttributeToWrite& attribute);
  void sync_meanwhile();  // with the mutex held

  WritePolicy policy_;
  FileCalls& calls_;
  std::mutex mutex_;
  std::vector<AttributeToWrite> waiting_;
  std::map<std::uint64_t, std::string> folders_;  // one on each file system that was written to
  std::uint64_t unsynced_count_ = 0;
  bool is_syncing_ = false;
  std::optional<Error> sync_error_;  // the kernel tells it once
  std::jthread syncing_;             // last: it uses what is above
};

}  // namespace assay
