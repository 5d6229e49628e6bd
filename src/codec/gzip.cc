// gzip (RFC 1952) by zlib, which verifies the CRC and the size of every member.

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "codec/decoders.h"
#include "codec/pump.h"

namespace assay {

namespace {

// zconf.h: 7 KiB for inflate's state and 32 KiB of window.
constexpr std::uint64_t kMemory = 48 * limits::kKiB;
constexpr int kGzipOnly =
    16;  // added to the window bits: neither zlib's own header nor a raw stream

uInt clamp(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

class Inflate {
 public:
  Inflate() = default;
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;
  ~Inflate() {
    if (started_) inflateEnd(&zlib_);
  }

  Result<void> begin(Input& input) {
    const int code = started_ ? inflateReset(&zlib_) : inflateInit2(&zlib_, MAX_WBITS + kGzipOnly);
    if (code != Z_OK) return fail_at(Reason::limit_memory, input, "zlib cannot start");
    started_ = true;
    return {};
  }

  std::expected<Step, Fault> step(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
    const uInt in_size = clamp(in.size());
    const uInt out_size = clamp(out.size());
    zlib_.next_in = in.data();
    zlib_.avail_in = in_size;
    zlib_.next_out = out.data();
    zlib_.avail_out = out_size;
    const int code = inflate(&zlib_, Z_NO_FLUSH);
    const uInt consumed = in_size - zlib_.avail_in;
    if (code == Z_MEM_ERROR) return std::unexpected(Fault{Reason::limit_memory});
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return std::unexpected(
          Fault{Reason::stream_corrupt, zlib_.msg != nullptr ? zlib_.msg : "", consumed});
    return Step{consumed, out_size - zlib_.avail_out, code == Z_STREAM_END};
  }

  void keep(DecoderMemory::Share memory) { memory_ = std::move(memory); }

 private:
  DecoderMemory::Share memory_;
  z_stream zlib_{};
  bool started_ = false;
};

}  // namespace

Decoder open_gzip(std::unique_ptr<Stream> input, const DecoderOptions& options) {
  if (options.memory_limit < kMemory) return fail(Reason::limit_memory);
  DecoderMemory::Share memory = share_of(options);
  memory.hold(kMemory + Input::kBufferSize);
  auto pump = std::make_unique<Pump<Inflate>>(Input(std::move(input)), options.after);
  pump->library().keep(std::move(memory));
  return pump;
}

}  // namespace assay
