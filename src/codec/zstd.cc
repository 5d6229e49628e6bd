// zstd (RFC 8878) by libzstd, which verifies the checksum of frames that have one.

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <bit>

#include "bytes/reader.h"
#include "codec/decoders.h"
#include "codec/pump.h"

namespace assay {

namespace {

constexpr std::uint32_t kFrame = 0xfd2fb528;
constexpr std::uint32_t kSkippable = 0x184d2a50;  // to 0x184d2a5f
constexpr int kSmallestWindowLog = 10;            // RFC 8878, 3.1.1.1.2
// Besides the window: the context, and the input and output of one block.
constexpr std::uint64_t kOverhead = limits::kMiB;

constexpr std::size_t kLargestHeader = 18;  // RFC 8878, 3.1.1.1

// Window_Size (RFC 8878, 3.1.1.1.2), or the content's size where the frame is one segment; 0 where
// the header is cut, which libzstd says itself.
std::uint64_t window_size(View head) {
  Reader reader(head);
  const auto start = reader.record<5>();
  if (!start) return 0;
  const unsigned descriptor = start->u8<4>();
  if ((descriptor & 0x20) == 0) {
    const auto window = reader.record<1>();
    if (!window) return 0;
    const std::uint64_t base = std::uint64_t{1} << (kSmallestWindowLog + (window->u8<0>() >> 3));
    return base + base / 8 * (window->u8<0>() & 7U);
  }
  constexpr std::array<std::size_t, 4> kDictionaryId = {0, 1, 2, 4};
  constexpr std::array<std::size_t, 4> kContentSize = {1, 2, 4, 8};
  const View fields = reader.left();
  const std::size_t at = kDictionaryId[descriptor & 3];
  const std::size_t size = kContentSize[descriptor >> 6];
  if (!lies_inside(at, size, fields.size())) return 0;
  std::uint64_t content = size == 2 ? 256 : 0;
  for (std::size_t i = 0; i < size; ++i) content += std::uint64_t{fields[at + i]} << (8 * i);
  return content;
}

Fault fault(std::size_t code, std::size_t consumed) {
  const std::string message = ZSTD_getErrorName(code);
  switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_frameParameter_windowTooLarge:
    case ZSTD_error_memory_allocation: return {Reason::limit_memory, message, consumed};
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_version_unsupported:
    case ZSTD_error_dictionary_wrong:
    case ZSTD_error_dictionary_corrupted: return {Reason::codec_unsupported, message, consumed};
    default: return {Reason::stream_corrupt, message, consumed};
  }
}

class Zstd {
 public:
  Zstd() = default;
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() { ZSTD_freeDCtx(zstd_); }

  // The window is allocated as the frame's header asks, so its size is what memory_limit bounds.
  Result<void> configure(std::uint64_t memory_limit, DecoderMemory::Share memory) {
    memory_ = std::move(memory);
    if (memory_limit < kOverhead + (1U << kSmallestWindowLog)) return fail(Reason::limit_memory);
    limit_ = memory_limit;
    const int log = static_cast<int>(std::bit_width(memory_limit - kOverhead)) - 1;
    const int largest = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
    zstd_ = ZSTD_createDCtx();
    if (zstd_ == nullptr ||
        ZSTD_isError(ZSTD_DCtx_setParameter(zstd_, ZSTD_d_windowLogMax, std::min(log, largest))))
      return fail(Reason::limit_memory, {}, "libzstd cannot start");
    return {};
  }

  // libzstd also reads the formats before 1.0, whose windows have no limit; nobody uses them.
  Result<void> begin(Input& input) {
    ASSAY_TRY(const std::span<const std::uint8_t> head, input.at_least(kLargestHeader));
    Reader reader{View(head)};
    const auto record = reader.record<4>();
    if (!record) return fail_at(Reason::stream_truncated, input);
    const std::uint32_t magic = record->le32<0>();
    if (magic != kFrame && (magic & 0xfffffff0) != kSkippable)
      return fail_at(Reason::stream_corrupt, input, "not the magic of a frame");
    const std::uint64_t window = magic == kFrame ? window_size(View(head)) : 0;
    if (window <= limit_) memory_.hold(window + kOverhead + Input::kBufferSize);
    return {};
  }

  std::expected<Step, Fault> step(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t code = ZSTD_decompressStream(zstd_, &to, &from);
    if (ZSTD_isError(code)) return std::unexpected(fault(code, from.pos));
    return Step{from.pos, to.pos, code == 0};
  }

 private:
  DecoderMemory::Share memory_;
  std::uint64_t limit_ = 0;
  ZSTD_DCtx* zstd_ = nullptr;
};

}  // namespace

Decoder open_zstd(std::unique_ptr<Stream> input, const DecoderOptions& options) {
  auto pump = std::make_unique<Pump<Zstd>>(Input(std::move(input)), options.after);
  ASSAY_CHECK(pump->library().configure(options.memory_limit, share_of(options)));
  return pump;
}

}  // namespace assay
