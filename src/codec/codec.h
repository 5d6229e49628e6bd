// codec/codec.h - the compressions that modules, packages and kernel images come in.
//
//   codec   first bytes                used by
//   gzip    1f 8b                      .ko.gz, Image.gz, bzImage, initramfs, .deb members
//   bzip2   42 5a 68 ("BZh")           bzImage, .deb members
//   lzma    5d 00 00 (properties lc=3 lp=0 pb=2)     bzImage, .deb members ("LZMA alone")
//   xz      fd 37 7a 58 5a 00          .ko.xz, bzImage, .deb members
//   lzo     89 4c 5a 4f 00 0d 0a 1a 0a bzImage (the container that lzop writes)
//   lz4     02 21 4c 18                bzImage, initramfs (the kernel's legacy frames, lz4 -l)
//           04 22 4d 18                frames that `lz4` writes
//   zstd    28 b5 2f fd                .ko.zst, bzImage, .deb members
//
// Decoders are streams over streams. They trust no size in their input: memory and expansion have
// limits (base/limits.h), damage is stream_corrupt, an early end stream_truncated.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/limits.h"
#include "base/result.h"
#include "bytes/stream.h"
#include "bytes/view.h"

namespace assay {

enum class Codec : std::uint8_t { gzip, bzip2, lzma, xz, lzo, lz4, zstd };

std::string_view codec_name(Codec codec);

// The codec that `head` (the first bytes of the data; 16 are enough) announces, if any.
std::optional<Codec> detect_codec(View head);

// What to make of bytes after the end of the first member (gzip), stream (bzip2, xz) or frame.
enum class AfterStream : std::uint8_t {
  decode,  // concatenated streams are decoded to the end of the input; anything else is corrupt
  ignore,  // never looked at. Kernel payloads are followed by bytes that are not part of the stream
           // (the 4-byte size that scripts/Makefile.lib size_append adds).
  refuse,  // stream_followed, with their number: where readers differ in what they make of them
};

struct DecoderOptions {
  // What the decoder may allocate for itself; beyond it, limit_memory.
  std::uint64_t memory_limit = limits::kDecoderMemory;
  // Whether it takes that from the memory of all decoders, and waits for it. Not where the decoder
  // stays open while its thread waits for others.
  bool shares_memory = true;
  // What may come out; beyond it, limit_expansion.
  std::uint64_t output_limit = limits::kArtifactSize;
  // Threads for streams that were written in independent blocks (xz).
  unsigned threads = 1;
  AfterStream after = AfterStream::decode;
};

// A stream of what `input` decodes to.
Result<std::unique_ptr<Stream>> open_decoder(Codec codec, std::unique_ptr<Stream> input,
                                             const DecoderOptions& options = {});

}  // namespace assay
