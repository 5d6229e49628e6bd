// edit/record_set.h - many records: read from a file or a folder, found by the bytes they start
// from, and written.
//
// A file has one record a line (JSON Lines). A folder has one file a record, NAME.record, where
// NAME is that of the artifact within its run.

#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bytes/atomic_file.h"
#include "edit/record.h"
#include "edit/splice.h"

namespace assay {

class RecordSet {
 public:
  // A file or a folder with its folders. The error names file and line.
  static Result<RecordSet> load(const std::string& path);

  void add(EditRecord record);
  const std::vector<EditRecord>& records() const { return records_; }

  // Whether any record starts from content of this size, and saves hashing where not.
  bool has_size(Direction direction, std::uint64_t size) const;
  // Of those records: so many bytes at the beginning stay, whichever it is. Nothing: there is none.
  std::optional<std::uint64_t> shared_size_of(Direction direction, std::uint64_t size) const;
  // The record that starts from `from` in a file compressed like that. Of several with different
  // outcomes the one of this name; no_record when there is none, or no one.
  Result<const EditRecord*> find(Direction direction, const ContentId& from,
                                 std::optional<Codec> codec, const std::string& name) const;

 private:
  using BySize = std::multimap<std::uint64_t, std::size_t>;  // size, index
  const BySize& by_size(Direction direction) const {
    return direction == Direction::forward ? by_size_before_ : by_size_after_;
  }

  std::vector<EditRecord> records_;
  BySize by_size_before_;
  BySize by_size_after_;
};

// Where excise and sign keep what they took out or put in. Runs that keep theirs in one place wait
// for each other, so it is to live until the writer has committed.
class RecordKeeper {
 public:
  // `path` ends in '/', or is a folder: one file a record.
  explicit RecordKeeper(std::string path);

  // Called by several threads at once. Refuses a second record of one name in a folder.
  Result<void> add(AtomicWriter& writer, const EditRecord& record);
  // The file of many records, behind those that it has already.
  Result<void> finish(AtomicWriter& writer);

 private:
  std::string path_;
  Result<void> lock(const std::string& folder);

  bool is_folder_;
  FileDescriptor lock_;  // from the first look at what is there until the run is over
  std::mutex mutex_;
  std::vector<std::uint8_t> lines_;
  std::map<std::string, bool> names_;
};

}  // namespace assay
