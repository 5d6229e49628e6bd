// sources/squash_blocks.h - the blocks of a squashfs image, unpacked: those of tables, which are
// read across their borders, and those of files.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "bytes/content.h"

struct sqfs_compressor_t;

namespace assay {

class SquashBlocks {
 public:
  // What a block of a table unpacks to, at most.
  static constexpr std::uint64_t kTableBlock = 8192;

  // A place in a table: where a block of it begins in the image, and in what it unpacks to.
  struct Place {
    std::uint64_t block = 0;
    std::uint64_t offset = 0;
  };

  // `compression` as in the superblock: 1 gzip, 2 lzma, 3 lzo, 4 xz, 5 lz4, 6 zstd. Nothing lies
  // behind `end`. archive_unsupported for another compression.
  static Result<std::unique_ptr<SquashBlocks>> open(const Content& image, std::uint64_t end,
                                                    unsigned compression, std::uint64_t block_size);

  // Fills `out` from `place` on, and moves `place` behind it.
  Result<void> read(Place& place, std::span<std::uint8_t> out);
  // A block of a file: `stored` bytes at `offset`, which unpack to at most `most`.
  Result<std::vector<std::uint8_t>> data(std::uint64_t offset, std::uint64_t stored,
                                         bool is_compressed, std::uint64_t most);

 private:
  struct Kept {
    std::uint64_t at = 0;
    std::uint64_t next = 0;
    std::vector<std::uint8_t> bytes;
  };
  struct Destroy {
    void operator()(sqfs_compressor_t* compressor) const;
  };

  SquashBlocks(const Content& image, std::uint64_t end) : image_(image), end_(end) {}
  Result<const Kept*> table_block(std::uint64_t at);

  const Content& image_;
  std::uint64_t end_;
  std::unique_ptr<sqfs_compressor_t, Destroy> compressor_;  // none: LZO
  // Tables are read at two or three places in turn.
  std::array<Kept, 16> kept_;
  std::size_t oldest_ = 0;
};

}  // namespace assay
