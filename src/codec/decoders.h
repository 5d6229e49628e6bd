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

class DecodingStream : public Stream {
 public:
  // Where the next unused byte lies in the compressed data: after the end of the decoded data and
  // with AfterStream::ignore, what follows the compressed stream.
  virtual std::uint64_t input_offset() const = 0;
};

using Decoder = Result<std::unique_ptr<DecodingStream>>;

// The one for `codec`.
Decoder open_any(Codec codec, std::unique_ptr<Stream> input, const DecoderOptions& options);

Decoder open_gzip(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_bzip2(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_lzma(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_xz(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_lzo(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_lz4(std::unique_ptr<Stream> input, const DecoderOptions& options);
Decoder open_zstd(std::unique_ptr<Stream> input, const DecoderOptions& options);

}  // namespace assay
