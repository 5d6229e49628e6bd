// zstd (RFC 8878) by libzstd, which verifies the checksum of frames that have one.

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
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
  Result<void> configure(std::uint64_t memory_limit) {
    if (memory_limit < kOverhead + (1U << kSmallestWindowLog)) return fail(Reason::limit_memory);
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
    ASSAY_TRY(const std::span<const std::uint8_t> head, input.at_least(4));
    Reader reader{View(head)};
    const auto record = reader.record<4>();
    if (!record) return fail_at(Reason::stream_truncated, input);
    const std::uint32_t magic = record->le32<0>();
    if (magic != kFrame && (magic & 0xfffffff0) != kSkippable)
      return fail_at(Reason::stream_corrupt, input, "not the magic of a frame");
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
  ZSTD_DCtx* zstd_ = nullptr;
};

}  // namespace

Decoder open_zstd(std::unique_ptr<Stream> input, const DecoderOptions& options) {
  auto pump = std::make_unique<Pump<Zstd>>(Input(std::move(input)), options.after);
  ASSAY_CHECK(pump->library().configure(options.memory_limit));
  return pump;
}

}  // namespace assay
