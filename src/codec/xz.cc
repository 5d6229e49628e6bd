// xz and the older .lzma ("LZMA alone") by liblzma, which verifies the checks of xz.
//
// A .lzma file has no check; its end is a marker or a size in its header.

#include <fmt/format.h>
#include <lzma.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "codec/decoders.h"
#include "codec/pump.h"

namespace assay {

namespace {

Fault fault(lzma_ret code, std::uint64_t memory_usage = 0) {
  switch (code) {
    case LZMA_MEM_ERROR: return {Reason::limit_memory, {}};
    case LZMA_MEMLIMIT_ERROR:
      return {Reason::limit_memory, fmt::format("{} bytes needed", memory_usage)};
    case LZMA_FORMAT_ERROR: return {Reason::stream_corrupt, "not the header of the format"};
    case LZMA_OPTIONS_ERROR: return {Reason::codec_unsupported, "unknown filter or option"};
    case LZMA_UNSUPPORTED_CHECK: return {Reason::codec_unsupported, "unknown integrity check"};
    case LZMA_DATA_ERROR: return {Reason::stream_corrupt, "data integrity error"};
    case LZMA_BUF_ERROR: return {Reason::stream_truncated, {}};
    default:
      return {Reason::stream_corrupt, fmt::format("liblzma says {}", std::to_underlying(code))};
  }
}

// A dictionary of many MiB is read all over, so that each copy may miss in the processor's table of
// pages: huge pages, where the system has them, make decoding faster by a twentieth.
void* allocate(void*, std::size_t count, std::size_t size) {
  constexpr std::size_t kHugePage = 2 * limits::kMiB;
  if (size != 0 && count > (SIZE_MAX - kHugePage) / size) return nullptr;
  const std::size_t bytes = count * size;
  if (bytes < kHugePage) return std::malloc(bytes);
  const std::size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = std::aligned_alloc(kHugePage, whole);
  if (memory != nullptr) ::madvise(memory, whole, MADV_HUGEPAGE);  // may be refused
  return memory;
}

void release(void*, void* memory) { std::free(memory); }

constexpr lzma_allocator kAllocator{allocate, release, nullptr};

class Lzma {
 public:
  Lzma() = default;
  Lzma(const Lzma&) = delete;
  Lzma& operator=(const Lzma&) = delete;
  ~Lzma() { lzma_end(&lzma_); }

  void configure(Codec codec, const DecoderOptions& options) {
    codec_ = codec;
    options_ = options;
    memory_ = share_of(options);
    // Threads have large buffers as well, which are seldom filled.
    if (options.threads <= 1) lzma_.allocator = &kAllocator;
  }

  Result<void> begin(Input& input) {
    // Nothing follows a .lzma file; in xz, LZMA_CONCATENATED decodes what follows (and the padding
    // between streams) without coming back here.
    if (started_)
      return fail_at(Reason::stream_corrupt, input, "bytes follow the end of the stream");
    started_ = true;
    const lzma_ret code = start();
    if (code == LZMA_OK) return {};
    const Fault why = fault(code);
    return fail_at(why.reason, input, why.detail);
  }

  std::expected<Step, Fault> step(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
    lzma_.next_in = in.data();
    lzma_.avail_in = in.size();
    lzma_.next_out = out.data();
    lzma_.avail_out = out.size();
    lzma_ret code = lzma_code(&lzma_, in.empty() ? LZMA_FINISH : LZMA_RUN);
    if (code == LZMA_MEMLIMIT_ERROR && raise_limit())
      code = lzma_code(&lzma_, in.empty() ? LZMA_FINISH : LZMA_RUN);
    const std::size_t consumed = in.size() - lzma_.avail_in;
    if (code != LZMA_OK && code != LZMA_STREAM_END) {
      Fault why = fault(code, lzma_memusage(&lzma_));
      why.consumed = consumed;
      return std::unexpected(std::move(why));
    }
    return Step{consumed, out.size() - lzma_.avail_out, code == LZMA_STREAM_END};
  }

 private:
  // liblzma says what it needs when it has read a header and the limit is below that.
  bool raise_limit() {
    const std::uint64_t needed = lzma_memusage(&lzma_);
    if (needed > options_.memory_limit) return false;
    memory_.hold(needed + Input::kBufferSize);
    return lzma_memlimit_set(&lzma_, needed) == LZMA_OK;
  }

  lzma_ret start() {
    constexpr std::uint64_t kAskFirst = 1;
    const std::uint64_t limit = std::min(options_.memory_limit, kAskFirst);
    if (codec_ == Codec::lzma) return lzma_alone_decoder(&lzma_, limit);
    // A check that liblzma does not know would go unverified.
    const std::uint32_t flags = LZMA_TELL_UNSUPPORTED_CHECK |
                                (options_.after == AfterStream::decode ? LZMA_CONCATENATED : 0U);
    if (options_.threads <= 1) return lzma_stream_decoder(&lzma_, limit, flags);
    memory_.hold(options_.memory_limit);
    lzma_mt threading{};
    threading.flags = flags;
    threading.threads = options_.threads;
    threading.memlimit_threading = std::min(options_.memory_limit, limits::kThreadedDecoderMemory);
    threading.memlimit_stop = options_.memory_limit;
    return lzma_stream_decoder_mt(&lzma_, &threading);
  }

  DecoderMemory::Share memory_;
  Codec codec_ = Codec::xz;
  DecoderOptions options_;
  lzma_stream lzma_ = LZMA_STREAM_INIT;
  bool started_ = false;
};

Decoder open(Codec codec, std::unique_ptr<Stream> input, const DecoderOptions& options) {
  auto pump = std::make_unique<Pump<Lzma>>(Input(std::move(input)), options.after);
  pump->library().configure(codec, options);
  return pump;
}

}  // namespace

Decoder open_lzma(std::unique_ptr<Stream> input, const DecoderOptions& options) {
  return open(Codec::lzma, std::move(input), options);
}

Decoder open_xz(std::unique_ptr<Stream> input, const DecoderOptions& options) {
  return open(Codec::xz, std::move(input), options);
}

}  // namespace assay
