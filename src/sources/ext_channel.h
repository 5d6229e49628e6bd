// sources/ext_channel.h - Content as libext2fs reads it: an io_manager without files, which never
// writes and remembers why and where a read failed.

#pragma once

#include <ext2fs/ext2fs.h>

#include <memory>
#include <optional>
#include <string>

#include "bytes/content.h"

namespace assay {

class ExtChannel {
 public:
  // `image` outlives it.
  explicit ExtChannel(const Content& image) : image_(image) {}
  ~ExtChannel();
  ExtChannel(const ExtChannel&) = delete;
  ExtChannel& operator=(const ExtChannel&) = delete;

  Result<void> open();
  ext2_filsys filesystem() const { return filesystem_; }

  // What stands behind an error of libext2fs: the image's own, or `reason` with the place read last
  // and what was sought.
  Error error(errcode_t code, const std::string& what,
              Reason reason = Reason::archive_corrupt) const;

 private:
  static errcode_t open_io(const char* name, int flags, io_channel* channel);
  static errcode_t close_io(io_channel channel);
  static errcode_t set_block_size(io_channel channel, int size);
  static errcode_t read_blocks(io_channel channel, unsigned long long block, int count, void* data);
  static errcode_t read_blocks_32(io_channel channel, unsigned long block, int count, void* data);

  const Content& image_;
  ext2_filsys filesystem_ = nullptr;
  mutable std::optional<Error> failure_;  // of the image itself
  Extent last_{};
};

}  // namespace assay
