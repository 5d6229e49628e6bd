// sources/erofs_clusters.h - a file of EROFS that is compressed: which clusters it has, and their
// bytes.
//
//   logical cluster   a block of the file (or some), each with an index that says whether a piece
//                     begins in it, where, and in which block of the image it is stored
//   piece             from one such beginning to the next: unpacked from the start of its block on
//
// Indexes have eight bytes, or four or two (compacted, with one block for each group of them);
// fs/erofs/zmap.c reads them.

#pragma once

#include <memory>

#include "bytes/content.h"

namespace assay {

struct ErofsCompressed {
  std::uint64_t header = 0;  // offset of what stands before the indexes, 8-byte aligned
  std::uint64_t size = 0;    // of the file
  unsigned block_bits = 12;
  bool is_compact = false;
};

// `image` outlives it. archive_unsupported where it is not LZ4; limit_count beyond limits::kBlocks
// pieces.
Result<std::unique_ptr<Content>> open_erofs_clusters(const Content& image,
                                                     const ErofsCompressed& file);

}  // namespace assay
