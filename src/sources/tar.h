// sources/tar.h - the files and links of a tar stream, or one of cpio, read by libarchive.
//
// What libarchive reads and dpkg refuses to unpack is refused here too, where it would cost memory
// or disk: sparse files (dpkg, lib/dpkg/tarfn.c: "unsupported GNU tar header type").

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "bytes/stream.h"
#include "sources/file_attributes.h"

namespace assay {

enum class TarKind : std::uint8_t { regular, hard_link, symbolic_link, other };

struct TarEntry {
  std::string name;  // as stored, without a leading "./"
  TarKind kind = TarKind::other;
  std::string target;  // of a link, as stored
  std::uint64_t size = 0;
  // Owner, mode and attributes of the security namespace (PAX: SCHILY.xattr, LIBARCHIVE.xattr), of
  // an entry that has security.ima.
  std::optional<FileAttributes> attributes;
};

// cpio is what packages of RPM have.
enum class ArchiveFormat : std::uint8_t { tar, cpio };

class TarReader {
 public:
  explicit TarReader(std::unique_ptr<Stream> stream, ArchiveFormat format = ArchiveFormat::tar);
  TarReader(TarReader&&) noexcept;
  ~TarReader();

  // The next entry; false at the end. archive_unsupported where it is a sparse file.
  Result<bool> next(TarEntry& entry);
  // The content of the current entry. Valid until the next call of next(). limit_size when all
  // entries together have more than limits::kPackageSize.
  Stream& content();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
