// Any input of any codec ends or fails, delivers no more than the limit, and the same in pieces of
// any size. The first byte selects the codec, the second the options.

#include <cstdlib>

#include "bytes/reader.h"
#include "codec/codec.h"

namespace {

using namespace assay;

constexpr std::uint64_t kOutputLimit = limits::kMiB;

struct Decoded {
  std::vector<std::uint8_t> bytes;
  bool ended;
};

// Delivers at most `piece` bytes at once.
class Dripping final : public Stream {
 public:
  Dripping(View data, std::size_t piece) : data_(data), piece_(piece) {}
  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    return data_.read(out.first(std::min(out.size(), piece_)));
  }

 private:
  ViewStream data_;
  std::size_t piece_;
};

Decoded decode(Codec codec, View data, const DecoderOptions& options, std::size_t in_piece,
               std::size_t out_piece) {
  Decoded decoded{{}, false};
  const auto decoder = open_decoder(codec, std::make_unique<Dripping>(data, in_piece), options);
  if (!decoder) return decoded;
  std::vector<std::uint8_t> piece(out_piece);
  for (;;) {
    const auto got = (*decoder)->read(piece);
    if (!got) return decoded;
    if (*got > piece.size()) std::abort();
    if (*got == 0) break;
    decoded.bytes.insert(decoded.bytes.end(), piece.begin(),
                         piece.begin() + static_cast<std::ptrdiff_t>(*got));
    if (decoded.bytes.size() > kOutputLimit) std::abort();
  }
  decoded.ended = true;
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader reader(View(std::span(data, size)));
  const auto head = reader.record<2>();
  if (!head) return 0;
  const auto codec = static_cast<Codec>(head->u8<0>() % 7);
  const unsigned choice = head->u8<1>();
  const DecoderOptions options{
      .memory_limit = 32 * limits::kMiB,
      .output_limit = kOutputLimit,
      .threads = (choice & 2) != 0 ? 2U : 1U,
      .after = (choice & 1) != 0 ? AfterStream::decode : AfterStream::ignore};
  const View rest = reader.left();
  detect_codec(rest);
  // Legacy lz4 decodes straight into what holds 8 MiB.
  const std::size_t large = codec == Codec::lz4 ? 9 * limits::kMiB : 300 * limits::kKiB;
  const Decoded whole = decode(codec, rest, options, limits::kMiB, large);
  const Decoded pieces = decode(codec, rest, options, 1 + choice / 4, 5000);
  // Whether damage behind the last byte of data is noticed depends on the pieces in libzstd 1.5.4
  // (empty compressed blocks) and in liblzma 5.4.1 (.lzma files that tell their size).
  const bool is_strict = codec != Codec::zstd && codec != Codec::lzma;
  if (whole.ended != pieces.ended && is_strict) std::abort();
  if (whole.ended && pieces.ended && whole.bytes != pieces.bytes) std::abort();
  return 0;
}
