// sources/tar.h - the files and links of a tar stream, or one of cpio, read by libarchive.
//
// What libarchive reads and dpkg refuses to unpack is refused here too, where it would cost memory
// or disk: sparse files (dpkg, lib/dpkg/tarfn.c: "unsupported GNU tar header type").

#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "bytes/stream.h"
#include "sources/archive.h"

namespace assay {

// cpio is what packages of RPM have.
enum class ArchiveFormat : std::uint8_t { tar, cpio };

class TarReader {
 public:
  explicit TarReader(std::unique_ptr<Stream> stream, ArchiveFormat format = ArchiveFormat::tar);
  TarReader(TarReader&&) noexcept;
  ~TarReader();

  // The next entry; false at the end. archive_unsupported where it is a sparse file. Its attributes
  // are those of the security namespace (PAX: SCHILY.xattr, LIBARCHIVE.xattr).
  Result<bool> next(ArchiveEntry& entry);
  // The content of the current entry. Valid until the next call of next(). limit_size when all
  // entries together have more than limits::kPackageSize.
  Stream& content();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
