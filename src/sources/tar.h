// sources/tar.h - the regular files of a tar stream, read by libarchive.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "bytes/stream.h"

namespace assay {

struct TarEntry {
  std::string name;  // as stored, without a leading "./"
  bool is_regular = false;
  std::uint64_t size = 0;
};

class TarReader {
 public:
  explicit TarReader(std::unique_ptr<Stream> stream);
  TarReader(TarReader&&) noexcept;
  ~TarReader();

  // The next entry; false at the end.
  Result<bool> next(TarEntry& entry);
  // The content of the current entry. Valid until the next call of next().
  Stream& content();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
