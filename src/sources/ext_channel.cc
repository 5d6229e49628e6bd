#include "sources/ext_channel.h"

#include <et/com_err.h>
#include <fmt/format.h>

#include <new>

#include "base/nesting_limits.h"

namespace assay {

namespace {

// The one that is opened: an io_manager's open() is told a name and nothing else.
thread_local ExtChannel* opening = nullptr;

errcode_t refuse_write(io_channel, unsigned long, int, const void*) { return EXT2_ET_RO_FILSYS; }
errcode_t refuse_write_64(io_channel, unsigned long long, int, const void*) {
  return EXT2_ET_RO_FILSYS;
}
errcode_t flush_nothing(io_channel) { return 0; }

}  // namespace

errcode_t ExtChannel::open_io(const char*, int, io_channel* channel) {
  // Libext2fs copies what points to the manager, and changes nothing in it.
  static struct_io_manager manager = [] {
    struct_io_manager io{};
    io.magic = EXT2_ET_MAGIC_IO_MANAGER;
    io.name = "assay";
    io.open = open_io;
    io.close = close_io;
    io.set_blksize = set_block_size;
    io.read_blk = read_blocks_32;
    io.write_blk = refuse_write;
    io.flush = flush_nothing;
    io.read_blk64 = read_blocks;
    io.write_blk64 = refuse_write_64;
    return io;
  }();
  auto io = std::make_unique<struct_io_channel>();
  *io = {};
  io->magic = EXT2_ET_MAGIC_IO_CHANNEL;
  io->manager = &manager;
  io->block_size = 1024;
  io->refcount = 1;
  io->private_data = opening;
  // ext2fs_free() frees neither it nor its name.
  static char name[] = "image";
  io->name = name;
  *channel = io.release();
  return 0;
}

errcode_t ExtChannel::close_io(io_channel channel) {
  if (--channel->refcount == 0) delete channel;
  return 0;
}

errcode_t ExtChannel::set_block_size(io_channel channel, int size) {
  channel->block_size = size;
  return 0;
}

errcode_t ExtChannel::read_blocks(io_channel channel, unsigned long long block, int count,
                                  void* data) {
  auto& self = *static_cast<ExtChannel*>(channel->private_data);
  const auto block_size = static_cast<std::uint64_t>(channel->block_size);
  // A negative count is one of bytes.
  const std::uint64_t size = count < 0 ? static_cast<std::uint64_t>(-std::int64_t{count})
                                       : static_cast<std::uint64_t>(count) * block_size;
  if (block > UINT64_MAX / block_size) return EXT2_ET_SHORT_READ;
  self.last_ = {block * block_size, size};
  auto done =
      self.image_.read(self.last_.offset, std::span(static_cast<std::uint8_t*>(data), size));
  if (done) return 0;
  self.failure_ = std::move(done).error();
  return EXT2_ET_SHORT_READ;
}

errcode_t ExtChannel::read_blocks_32(io_channel channel, unsigned long block, int count,
                                     void* data) {
  return read_blocks(channel, block, count, data);
}

Result<void> ExtChannel::open() {
  // Libext2fs asks only its open_io for the channel, of which there is one each.
  static struct_io_manager opener = [] {
    struct_io_manager io{};
    io.magic = EXT2_ET_MAGIC_IO_MANAGER;
    io.name = "assay";
    io.open = open_io;
    return io;
  }();
  opening = this;
  const errcode_t code =
      ext2fs_open2("image", nullptr, EXT2_FLAG_64BITS, 0, 0, &opener, &filesystem_);
  opening = nullptr;
  if (code == 0) return {};
  filesystem_ = nullptr;
  const bool lacks = code == EXT2_ET_UNSUPP_FEATURE || code == EXT2_ET_RO_UNSUPP_FEATURE;
  return std::unexpected(error(code, "the superblock and the groups behind it",
                               lacks ? Reason::archive_unsupported : Reason::archive_corrupt));
}

Error ExtChannel::error(errcode_t code, const std::string& what, Reason reason) const {
  if (failure_) {
    Error own = std::move(*failure_);
    failure_.reset();
    own.detail = own.detail.empty() ? what : what + ": " + own.detail;
    return own;
  }
  static const bool has_texts = (initialize_ext2_error_table(), true);
  std::string text = has_texts ? error_message(code) : "";
  if (code == EXT2_ET_NO_MEMORY) reason = Reason::limit_memory;
  return {reason, last_, fmt::format("{}: {}", what, text), {}};
}

ExtChannel::~ExtChannel() {
  // Nothing is written, so nothing is flushed: ext2fs_close() would.
  if (filesystem_ != nullptr) ext2fs_free(filesystem_);
}

}  // namespace assay
