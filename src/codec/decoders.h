// codec/decoders.h - the decoders behind open_decoder() (codec/codec.h), one file each.
//
// Each honours memory_limit, threads and after; output_limit is open_decoder()'s.

#pragma once

#include <memory>

#include "base/result.h"
#include "bytes/stream.h"
#include "codec/codec.h"
#include "codec/decoder_memory.h"

namespace assay {

inline DecoderMemory::Share share_of(const DecoderOptions& options) {
  return options.shares_memory ? DecoderMemory::Share(DecoderMemory::process())
                               : DecoderMemory::Share();
}

using Decoder = Result<std::unique_ptr<Stream>>;

Decoder open_gzip(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_bzip2(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_lzma(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_xz(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_lzo(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_lz4(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_zstd(std::unique_ptr<Stream> input, const DecoderOptions& options);

}  // namespace assay
