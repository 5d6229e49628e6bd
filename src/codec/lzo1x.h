// codec/lzo1x.h - LZO1X, the compression inside the blocks that lzop writes.
//
// Written from the description of the format in the kernel's Documentation/staging/lzo.rst.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace assay {

// Decodes one whole block to the front of `out` and says how many bytes it filled. Nothing when the
// block is damaged: it reads before the start or beyond the end of either buffer, lacks its end
// mark, or goes on after it. The versioned streams that zram writes (LZO-RLE) are damaged too.
std::optional<std::size_t> decode_lzo1x(std::span<const std::uint8_t> in,
                                        std::span<std::uint8_t> out);

}  // namespace assay
