#include "codec/encoder.h"

#define ZLIB_CONST
#include <zlib.h>

#include <fmt/format.h>
#include <lzma.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include "bytes/reader.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;

// What the tools feed their libraries with at a time; zstd's output depends on it.
constexpr std::size_t kPiece = 128 * 1024;
constexpr int kExtreme = 16;

// Feeds `plain` to `step(bytes, is_last)` in pieces; the last may be empty.
Result<void> feed(const Content& plain, auto step) {
  Bytes scratch;
  for (std::uint64_t at = 0; at < plain.size();) {
    const std::uint64_t size = std::min<std::uint64_t>(kPiece, plain.size() - at);
    ASSAY_TRY(const View piece, view_of(plain, at, size, scratch));
    ASSAY_CHECK(step(piece.bytes(), false));
    at += size;
  }
  return step(std::span<const std::uint8_t>(), true);
}

std::unexpected<Error> refused_parameters(std::string_view library) {
  return fail(Reason::codec_unsupported, {}, fmt::format("parameters that {} refuses", library));
}

// xz.

class LzmaEncoder {
 public:
  LzmaEncoder() = default;
  LzmaEncoder(const LzmaEncoder&) = delete;
  LzmaEncoder& operator=(const LzmaEncoder&) = delete;
  ~LzmaEncoder() { lzma_end(&stream_); }
  lzma_stream* get() { return &stream_; }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

std::uint32_t preset_of(int level) {
  return level < kExtreme ? static_cast<std::uint32_t>(level)
                          : static_cast<std::uint32_t>(level - kExtreme) | LZMA_PRESET_EXTREME;
}

bool start_xz(lzma_stream* stream, const EncoderParameters& parameters) {
  lzma_options_lzma options;
  if (parameters.level < 0 || lzma_lzma_preset(&options, preset_of(parameters.level))) return false;
  options.dict_size = parameters.dictionary;
  const std::array<lzma_filter, 2> filters = {
      {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}}};
  const auto check = static_cast<lzma_check>(parameters.check);
  if (!parameters.threaded) return lzma_stream_encoder(stream, filters.data(), check) == LZMA_OK;
  lzma_mt threading{};
  threading.threads = 1;
  threading.filters = filters.data();
  threading.check = check;
  return lzma_stream_encoder_mt(stream, &threading) == LZMA_OK;
}

Result<Bytes> encode_xz(const Content& plain, const EncoderParameters& parameters) {
  LzmaEncoder encoder;
  lzma_stream* stream = encoder.get();
  if (!start_xz(stream, parameters)) return refused_parameters("liblzma");
  Bytes out;
  Bytes buffer(kPiece);
  ASSAY_CHECK(feed(plain, [&](std::span<const std::uint8_t> piece, bool last) -> Result<void> {
    stream->next_in = piece.data();
    stream->avail_in = piece.size();
    lzma_ret code = LZMA_OK;
    do {
      stream->next_out = buffer.data();
      stream->avail_out = buffer.size();
      code = lzma_code(stream, last ? LZMA_FINISH : LZMA_RUN);
      out.insert(out.end(), buffer.begin(),
                 buffer.end() - static_cast<std::ptrdiff_t>(stream->avail_out));
    } while (code == LZMA_OK && (last || stream->avail_in != 0));
    if (code != LZMA_OK && code != LZMA_STREAM_END)
      return fail(Reason::codec_unsupported, {}, fmt::format("liblzma says {}", int{code}));
    return {};
  }));
  return out;
}

// gzip.

class DeflateEncoder {
 public:
  DeflateEncoder() = default;
  DeflateEncoder(const DeflateEncoder&) = delete;
  DeflateEncoder& operator=(const DeflateEncoder&) = delete;
  ~DeflateEncoder() { deflateEnd(&stream_); }
  z_stream* get() { return &stream_; }

 private:
  z_stream stream_{};
};

void append_le32(Bytes& out, std::uint64_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

Result<Bytes> encode_gzip(const Content& plain, const EncoderParameters& parameters) {
  DeflateEncoder encoder;
  z_stream* stream = encoder.get();
  if (deflateInit2(stream, parameters.level, Z_DEFLATED, -MAX_WBITS, parameters.memory_level,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return refused_parameters("zlib");
  Bytes out = parameters.header;
  Bytes buffer(kPiece);
  uLong crc = crc32(0, nullptr, 0);
  ASSAY_CHECK(feed(plain, [&](std::span<const std::uint8_t> piece, bool last) -> Result<void> {
    // Without bytes, crc32() takes the null pointer for a request to start again.
    if (!piece.empty()) crc = crc32(crc, piece.data(), static_cast<uInt>(piece.size()));
    stream->next_in = piece.data();
    stream->avail_in = static_cast<uInt>(piece.size());
    do {
      stream->next_out = buffer.data();
      stream->avail_out = static_cast<uInt>(buffer.size());
      deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
      out.insert(out.end(), buffer.begin(),
                 buffer.end() - static_cast<std::ptrdiff_t>(stream->avail_out));
    } while (stream->avail_out == 0);
    return {};
  }));
  append_le32(out, crc);
  append_le32(out, plain.size());
  return out;
}

// zstd.

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

Result<Bytes> encode_zstd(const Content& plain, const EncoderParameters& parameters) {
  const std::unique_ptr<ZSTD_CCtx, FreeZstd> context(ZSTD_createCCtx());
  if (!context) return fail(Reason::limit_memory, {}, "zstd");
  const auto set = [&](ZSTD_cParameter what, int value) {
    return ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), what, value)) == 0;
  };
  if (!set(ZSTD_c_compressionLevel, parameters.level) ||
      !set(ZSTD_c_checksumFlag, parameters.checksum ? 1 : 0) ||
      !set(ZSTD_c_contentSizeFlag, parameters.content_size ? 1 : 0) ||
      (parameters.threaded && !set(ZSTD_c_nbWorkers, 1)))
    return refused_parameters("libzstd");
  if (parameters.content_size) ZSTD_CCtx_setPledgedSrcSize(context.get(), plain.size());
  Bytes out;
  Bytes buffer(ZSTD_CStreamOutSize());
  ASSAY_CHECK(feed(plain, [&](std::span<const std::uint8_t> piece, bool last) -> Result<void> {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    for (;;) {
      ZSTD_outBuffer to{buffer.data(), buffer.size(), 0};
      const std::size_t left =
          ZSTD_compressStream2(context.get(), &to, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0)
        return fail(Reason::codec_unsupported, {}, ZSTD_getErrorName(left));
      out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(to.pos));
      if (last ? left == 0 : in.pos == in.size) return {};
    }
  }));
  return out;
}

// What headers tell.

// The dictionary of the first block when LZMA2 is its only filter, and whether the block's sizes
// stand in its header, as the threaded encoder has them (The .xz File Format, 3.1).
struct XzBlock {
  std::uint8_t check = 0;
  bool has_sizes = false;
  std::uint8_t dictionary = 0;  // as stored
};

std::optional<XzBlock> read_xz_block(View stream) {
  Reader reader(stream);
  const auto header = reader.record<12>();
  const auto block = reader.record<2>();
  if (!header || !block || block->u8<0>() == 0) return std::nullopt;
  XzBlock found;
  found.check = static_cast<std::uint8_t>(header->u8<7>() & 0x0f);
  const std::uint8_t flags = block->u8<1>();
  if ((flags & 0x03) != 0) return std::nullopt;  // more filters than one
  found.has_sizes = (flags & 0xc0) != 0;
  for (const int size_flag : {0x40, 0x80}) {
    if ((flags & size_flag) == 0) continue;
    for (auto octet = reader.record<1>(); octet && (octet->u8<0>() & 0x80) != 0;
         octet = reader.record<1>()) {
    }
  }
  const auto filter = reader.record<3>();
  if (!filter || filter->u8<0>() != LZMA_FILTER_LZMA2 || filter->u8<1>() != 1) return std::nullopt;
  found.dictionary = filter->u8<2>();
  return found;
}

std::uint32_t dictionary_size(std::uint8_t stored) {
  if (stored >= 40) return UINT32_MAX;
  return (2U | (stored & 1U)) << (stored / 2 + 11);
}

// liblzma's encoder takes eleven times the dictionary, whatever there is to encode.
constexpr std::uint32_t kLargestDictionary = 32 << 20;

std::vector<EncoderParameters> likely_xz(View stream) {
  const auto block = read_xz_block(stream);
  if (!block || dictionary_size(block->dictionary) > kLargestDictionary) return {};
  EncoderParameters base;
  base.check = block->check;
  base.dictionary = dictionary_size(block->dictionary);
  base.threaded = block->has_sizes;
  std::vector<EncoderParameters> likely{base};  // `xz`, and `xz --lzma2=dict=...`
  // Presets of the same dictionary (xz(1), table of presets).
  constexpr std::array<std::uint32_t, 10> kMiB = {0, 1, 2, 4, 4, 8, 8, 16, 32, 64};
  for (int level = 9; level >= 1; --level) {
    if (kMiB[static_cast<std::size_t>(level)] << 20 != base.dictionary) continue;
    for (const int preset : {level + kExtreme, level}) {
      if (preset == base.level) continue;
      likely.push_back(base);
      likely.back().level = preset;
    }
  }
  return likely;
}

// Magic, method, flags, time, extra flags, system; then a name, where the flags say so (RFC 1952,
// 2.3). Nothing where more follows.
std::optional<std::size_t> gzip_header_size(View stream) {
  constexpr std::size_t kFixed = 10;
  constexpr std::uint8_t kHasName = 0x08;
  if (stream.size() < kFixed || (stream[3] & ~kHasName) != 0) return std::nullopt;
  if (stream[3] == 0) return kFixed;
  const std::size_t end = stream.text().find('\0', kFixed);
  return end == std::string_view::npos ? std::nullopt : std::optional(end + 1);
}

std::vector<EncoderParameters> likely_gzip(View stream) {
  const auto size = gzip_header_size(stream);
  if (!size) return {};
  EncoderParameters base = kernel_parameters(Codec::gzip);
  base.header.assign(stream.bytes().begin(),
                     stream.bytes().begin() + static_cast<std::ptrdiff_t>(*size));
  std::vector<EncoderParameters> likely;
  const std::uint8_t extra = stream[8];  // XFL: 2 the slowest, 4 the fastest
  for (const int level : {extra == 2 ? 9 : extra == 4 ? 1 : 6})
    for (const int memory : {8, 9}) {
      likely.push_back(base);
      likely.back().level = level;
      likely.back().memory_level = memory;
    }
  return likely;
}

std::vector<EncoderParameters> likely_zstd(View stream) {
  if (stream.size() < 6) return {};
  const std::uint8_t descriptor = stream[4];
  EncoderParameters base = kernel_parameters(Codec::zstd);
  base.checksum = (descriptor & 0x04) != 0;
  base.content_size = (descriptor & 0xe0) != 0;
  std::vector<EncoderParameters> likely;
  for (const int level : {3, 19})
    for (const bool threaded : {true, false}) {
      likely.push_back(base);
      likely.back().level = level;
      likely.back().threaded = threaded;
    }
  return likely;
}

}  // namespace

EncoderParameters kernel_parameters(Codec codec) {
  EncoderParameters parameters;
  parameters.codec = codec;
  if (codec == Codec::gzip) parameters.header = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  if (codec == Codec::zstd) {
    parameters.level = 3;
    parameters.threaded = true;  // zstd(1) asks for one worker
  }
  return parameters;
}

Result<void> check_parameters(const EncoderParameters& parameters) {
  const auto within = [](auto value, auto least, auto most) {
    return value >= least && value <= most;
  };
  bool good = false;
  switch (parameters.codec) {
    case Codec::xz:
      // The .xz File Format, 2.1.1.2: the checks that liblzma computes.
      good = within(parameters.level & ~kExtreme, 0, 9) &&
             within(parameters.level, 0, 9 + kExtreme) &&
             (parameters.check <= 1 || parameters.check == 4 || parameters.check == 10) &&
             within(parameters.dictionary, std::uint32_t{LZMA_DICT_SIZE_MIN}, kLargestDictionary);
      break;
    case Codec::gzip:
      good = within(parameters.level, 0, 9) && within(parameters.memory_level, 1, 9) &&
             detect_codec(View(parameters.header)) == Codec::gzip &&
             gzip_header_size(View(parameters.header)) == parameters.header.size();
      break;
    case Codec::zstd:
      // Those behind 19 take up to a gigabyte.
      good = within(parameters.level, 1, 19);
      break;
    default: break;
  }
  if (!good) return refused_parameters(codec_name(parameters.codec));
  return {};
}

Result<Bytes> encode(const Content& plain, const EncoderParameters& parameters) {
  switch (parameters.codec) {
    case Codec::xz: return encode_xz(plain, parameters);
    case Codec::gzip: return encode_gzip(plain, parameters);
    case Codec::zstd: return encode_zstd(plain, parameters);
    default:
      return fail(Reason::codec_unsupported, {},
                  fmt::format("no encoder for {}", codec_name(parameters.codec)));
  }
}

std::vector<EncoderParameters> likely_parameters(View stream) {
  const auto codec = detect_codec(stream);
  if (codec == Codec::xz) return likely_xz(stream);
  if (codec == Codec::gzip) return likely_gzip(stream);
  if (codec == Codec::zstd) return likely_zstd(stream);
  return {};
}

Result<std::optional<EncoderParameters>> find_parameters(const Content& plain, View stream) {
  for (const EncoderParameters& parameters : likely_parameters(stream)) {
    const auto encoded = encode(plain, parameters);
    // A header may ask for what the library refuses; a file that cannot be read is another matter.
    if (!encoded && encoded.error().reason != Reason::codec_unsupported)
      return std::unexpected(encoded.error());
    if (encoded && same_bytes(View(*encoded), stream)) return parameters;
  }
  return std::nullopt;
}

Result<void> check_for_kernel(Codec codec, View stream) {
  if (codec == Codec::xz) {
    const auto block = read_xz_block(stream);
    if (block && block->check > 1)
      return fail(Reason::not_signable, {7, 1},
                  fmt::format("xz check {}, the kernel knows none and CRC32", block->check));
    if (block && block->dictionary > 39)
      return fail(Reason::not_signable, {},
                  "xz with a dictionary of 4 GiB, which the kernel refuses");
  }
  if (codec == Codec::gzip && stream.size() > 3 && (stream[3] & ~0x08) != 0)
    return fail(Reason::not_signable, {3, 1},
                fmt::format("gzip flags {:#x}, the kernel knows none but a file name", stream[3]));
  return {};
}

}  // namespace assay
