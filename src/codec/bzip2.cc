// bzip2 by libbz2, which verifies the CRC of every block and of the stream.

#include <bzlib.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "codec/decoders.h"
#include "codec/pump.h"

namespace assay {

namespace {

// bzip2's manual, "Memory management": 100k + 4 x block size, which is 900k at most.
constexpr std::uint64_t kMemory = 3'700'000;

unsigned clamp(std::size_t size) {
  return static_cast<unsigned>(std::min<std::size_t>(size, std::numeric_limits<unsigned>::max()));
}

class Bunzip2 {
 public:
  Bunzip2() = default;
  Bunzip2(const Bunzip2&) = delete;
  Bunzip2& operator=(const Bunzip2&) = delete;
  ~Bunzip2() { stop(); }

  Result<void> begin(Input& input) {
    stop();
    if (BZ2_bzDecompressInit(&bzip_, 0, 0) != BZ_OK)
      return fail_at(Reason::limit_memory, input, "libbz2 cannot start");
    started_ = true;
    return {};
  }

  std::expected<Step, Fault> step(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
    const unsigned in_size = clamp(in.size());
    const unsigned out_size = clamp(out.size());
    // libbz2 takes char*, as C did; it does not write to next_in.
    bzip_.next_in = const_cast<char*>(View(in).text().data());  // NOLINT
    bzip_.avail_in = in_size;
    bzip_.next_out = reinterpret_cast<char*>(out.data());
    bzip_.avail_out = out_size;
    const int code = BZ2_bzDecompress(&bzip_);
    const unsigned consumed = in_size - bzip_.avail_in;
    if (code == BZ_MEM_ERROR) return std::unexpected(Fault{Reason::limit_memory});
    if (code != BZ_OK && code != BZ_STREAM_END)
      return std::unexpected(Fault{Reason::stream_corrupt, message(code), consumed});
    return Step{consumed, out_size - bzip_.avail_out, code == BZ_STREAM_END};
  }

  void keep(DecoderMemory::Share memory) { memory_ = std::move(memory); }

 private:
  DecoderMemory::Share memory_;
  static std::string message(int code) {
    switch (code) {
      case BZ_DATA_ERROR: return "data integrity error";
      case BZ_DATA_ERROR_MAGIC: return "not the magic of a bzip2 stream";
      default: return fmt::format("libbz2 says {}", code);
    }
  }

  void stop() {
    if (started_) BZ2_bzDecompressEnd(&bzip_);
    bzip_ = {};
    started_ = false;
  }

  bz_stream bzip_{};
  bool started_ = false;
};

}  // namespace

Decoder open_bzip2(std::unique_ptr<Stream> input, const DecoderOptions& options) {
  if (options.memory_limit < kMemory) return fail(Reason::limit_memory);
  DecoderMemory::Share memory = share_of(options);
  memory.hold(kMemory + Input::kBufferSize);
  auto pump = std::make_unique<Pump<Bunzip2>>(Input(std::move(input)), options.after);
  pump->library().keep(std::move(memory));
  return pump;
}

}  // namespace assay
