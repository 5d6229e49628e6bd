// sources/archive.h - a container as its readers yield it: entry by entry, in the order in which it
// has them, and once more from the start where links make that necessary.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "bytes/content.h"
#include "bytes/stream.h"
#include "sources/file_attributes.h"

namespace assay {

class Nest;

enum class EntryKind : std::uint8_t { regular, hard_link, symbolic_link, other };

struct ArchiveEntry {
  std::string name;  // as stored, without a leading "./"
  EntryKind kind = EntryKind::other;
  std::string target;  // of a link, as stored
  std::uint64_t size = 0;
  // What the container says of owner, mode and extended attributes.
  std::optional<FileAttributes> attributes;
};

// The bytes of the entry at hand, valid until the reader goes on: a stream that is read once, or
// bytes that can be read at any offset.
class EntryContent {
 public:
  explicit EntryContent(Stream& stream) : stream_(&stream) {}
  explicit EntryContent(const Content& content) : content_(&content) {}

  Stream* stream() const { return stream_; }
  const Content* content() const { return content_; }

 private:
  Stream* stream_ = nullptr;
  const Content* content_ = nullptr;
};

class Archive {
 public:
  virtual ~Archive() = default;

  // `index` counts entries from 0, the same in each pass.
  using Visit = std::function<Result<void>(const ArchiveEntry& entry, std::uint64_t index,
                                           const EntryContent& content)>;
  // An Error of `visit` ends it.
  virtual Result<void> for_each(const Visit& visit) = 0;

  // Is a path that is there twice as it should be, a file replaced by a later one?
  virtual bool may_repeat_paths() const { return false; }
};

// Yields the regular files of an archive. Those to which a link gives a module's or a kernel's name
// are yielded again, after the others, under that name; where a link leads to nothing in the
// archive, that is a failure. So is a second entry of such a name. `name` is the archive's, as
// printed.
Result<void> walk_archive(Archive& archive, const std::string& name, Nest& nest);

}  // namespace assay
