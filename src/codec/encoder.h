// codec/encoder.h - compressing modules: as the kernel's build does it, or as a given stream was.
//
// scripts/Makefile.modinst (6.1, 6.12, 7.2 alike): `gzip -n -f`, `xz --check=crc32
// --lzma2=dict=1MiB -f`, `zstd --rm -f -q`. What the kernel's own decompressors read back
// (kernel/module/decompress.c) is narrower than what the tools write: check_for_kernel says so.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bytes/content.h"
#include "codec/codec.h"

namespace assay {

// The same bytes and the same parameters give the same stream, with the same version of the
// library.
struct EncoderParameters {
  Codec codec = Codec::xz;
  // xz: the preset, 16 more where it is extreme; gzip and zstd: the level.
  int level = 6;
  // xz: the type of check as the stream's header has it (0 none, 1 CRC32, 4 CRC64, 10 SHA-256).
  std::uint8_t check = 1;
  std::uint32_t dictionary = 1 << 20;  // xz: bytes
  // xz, zstd: by the library's threaded encoder, whose streams look different.
  bool threaded = false;
  // gzip: memLevel of zlib, and the member's header.
  int memory_level = 8;
  std::vector<std::uint8_t> header;
  // zstd: what stands in the frame.
  bool checksum = true;
  bool content_size = true;
  friend bool operator==(const EncoderParameters&, const EncoderParameters&) = default;
};

// As the kernel's build compresses modules. gzip, xz and zstd only.
EncoderParameters kernel_parameters(Codec codec);

// codec_unsupported for what encode() is never asked for by likely_parameters(): levels and checks
// that do not exist, memory beyond what tools take, a header that is not gzip's alone (one with a
// member behind it would be content that nobody compressed).
Result<void> check_parameters(const EncoderParameters& parameters);

// codec_unsupported for any other codec, and for parameters that the library refuses.
Result<std::vector<std::uint8_t>> encode(const Content& plain, const EncoderParameters& parameters);

// Parameters that may have made `stream`, likeliest first: its header names some, the rest is
// what tools use. Never many: each try compresses the whole.
std::vector<EncoderParameters> likely_parameters(View stream);

// The first of those by which `plain` becomes `stream` again, if any.
Result<std::optional<EncoderParameters>> find_parameters(const Content& plain, View stream);

// Whether the kernel's decompressor of modules reads the stream: not_signable with what it does not
// know. Only headers are looked at. lib/xz/xz_dec_stream.c dec_stream_header (CRC64 and SHA-256 are
// not built); kernel/module/decompress.c module_gzip_header_len (a file name is all that may follow
// the header); zstd's window (ZSTD_WINDOWLOG_MAX).
Result<void> check_for_kernel(Codec codec, View stream);

}  // namespace assay
