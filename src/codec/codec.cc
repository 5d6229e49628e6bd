#include "codec/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "bytes/reader.h"
#include "codec/decoders.h"
#include "codec/first_stream.h"

namespace assay {

namespace {

constexpr std::string_view kNames[] = {"gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd"};

bool starts_with(View head, std::string_view magic) { return head.text().starts_with(magic); }

// Whether byte `at`, if it is there, satisfies `test`.
bool fits(View head, std::size_t at, auto test) { return head.size() <= at || test(head[at]); }

// RFC 1952, 2.3.1: method 8 is the only one, and the upper three flags are reserved.
bool is_gzip(View head) {
  return starts_with(head, "\x1f\x8b") && fits(head, 2, [](auto b) { return b == 8; }) &&
         fits(head, 3, [](auto b) { return (b & 0xe0) == 0; });
}

// The level, then the magic of a block or of the end of the stream.
bool is_bzip2(View head) {
  if (!starts_with(head, "BZh") || !fits(head, 3, [](auto b) { return b >= '1' && b <= '9'; }))
    return false;
  if (head.size() < 10) return true;
  const View magic = head.sub(4, 6);
  return starts_with(magic, "\x31\x41\x59\x26\x53\x59") ||
         starts_with(magic, "\x17\x72\x45\x38\x50\x90");
}

// The format has no magic. Besides the properties that everybody uses, the dictionary has 2^n or
// 2^n + 2^(n-1) bytes, the size is unknown or less than 256 GiB (the test that liblzma's
// lzma_auto_decoder makes), and the range coder's first byte is 0.
bool is_lzma(View head) {
  using namespace std::string_view_literals;
  if (!starts_with(head, "\x5d\0\0"sv)) return false;
  Reader reader(head);
  const auto header = reader.record<13>();
  if (!header) return true;
  const std::uint32_t dictionary = header->le32<1>();
  const std::uint32_t rest = dictionary & ~std::bit_floor(dictionary);
  const std::uint64_t size = header->le64<5>();
  return dictionary != 0 && (rest == 0 || rest == std::bit_floor(dictionary) / 2) &&
         (size == UINT64_MAX || size < 256 * limits::kGiB) &&
         fits(head, 13, [](auto b) { return b == 0; });
}

// Keeps what a decoder delivers within DecoderOptions::output_limit.
class LimitedStream final : public Stream {
 public:
  LimitedStream(std::unique_ptr<Stream> decoder, std::uint64_t limit)
      : decoder_(std::move(decoder)), left_(limit), limit_(limit) {}

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    if (left_ == 0) return check_end();
    const std::size_t size = std::min<std::uint64_t>(out.size(), left_);
    ASSAY_TRY(const std::size_t got, decoder_->read(out.first(size)));
    left_ -= got;
    return got;
  }

 private:
  Result<std::size_t> check_end() {
    std::array<std::uint8_t, 1> beyond;
    ASSAY_TRY(const std::size_t got, decoder_->read(beyond));
    if (got != 0)
      return fail(Reason::limit_expansion, {limit_, 0}, fmt::format("more than {} bytes", limit_));
    return 0;
  }

  std::unique_ptr<Stream> decoder_;
  std::uint64_t left_;
  std::uint64_t limit_;
};

}  // namespace

Decoder open_any(Codec codec, std::unique_ptr<Stream> input, const DecoderOptions& options) {
  switch (codec) {
    case Codec::gzip: return open_gzip(std::move(input), options);
    case Codec::bzip2: return open_bzip2(std::move(input), options);
    case Codec::lzma: return open_lzma(std::move(input), options);
    case Codec::xz: return open_xz(std::move(input), options);
    case Codec::lzo: return open_lzo(std::move(input), options);
    case Codec::lz4: return open_lz4(std::move(input), options);
    case Codec::zstd: return open_zstd(std::move(input), options);
  }
  std::unreachable();
}

std::string_view codec_name(Codec codec) { return kNames[static_cast<std::size_t>(codec)]; }

std::optional<Codec> detect_codec(View head) {
  using namespace std::string_view_literals;
  if (is_gzip(head)) return Codec::gzip;
  if (is_bzip2(head)) return Codec::bzip2;
  if (starts_with(head, "\xfd\x37zXZ\0"sv)) return Codec::xz;
  if (starts_with(head, "\x89LZO\0\r\n\x1a\n"sv)) return Codec::lzo;
  if (starts_with(head, "\x02\x21\x4c\x18") || starts_with(head, "\x04\x22\x4d\x18"))
    return Codec::lz4;
  if (starts_with(head, "\x28\xb5\x2f\xfd")) return Codec::zstd;
  if (is_lzma(head)) return Codec::lzma;
  return std::nullopt;
}

Result<std::unique_ptr<Stream>> open_decoder(Codec codec, std::unique_ptr<Stream> input,
                                             const DecoderOptions& options) {
  ASSAY_TRY(std::unique_ptr<Stream> decoder, open_any(codec, std::move(input), options));
  return std::make_unique<LimitedStream>(std::move(decoder), options.output_limit);
}

Result<std::unique_ptr<FirstStream>> FirstStream::open(Codec codec, std::unique_ptr<Stream> input,
                                                       DecoderOptions options) {
  options.after = AfterStream::ignore;
  auto stream = std::unique_ptr<FirstStream>(new FirstStream);
  ASSAY_TRY(auto decoder, open_any(codec, std::move(input), options));
  stream->decoder_ = decoder.get();
  stream->limited_ = std::make_unique<LimitedStream>(std::move(decoder), options.output_limit);
  return stream;
}

std::uint64_t FirstStream::input_offset() const { return decoder_->input_offset(); }

}  // namespace assay
