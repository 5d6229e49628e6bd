// lz4 by liblz4: the kernel's legacy frames, whose container is read here, and the frames of `lz4`.
//
//   legacy   02 21 4c 18, then blocks: le32 size, that many bytes, which decode to at most 8 MiB
//            (lib/decompress_unlz4.c, unlz4; 6.1, 6.12, 7.2). No checksum, and no end: it ends with
//            the input or with a size of 0; the magic may come again between two blocks.
//   frame    04 22 4d 18 (or a skippable frame, 184d2a5?), read and verified by LZ4F.

#include <fmt/format.h>
#include <lz4.h>
#include <lz4frame.h>

#include <algorithm>
#include <optional>

#include "bytes/reader.h"
#include "codec/decoders.h"
#include "codec/pump.h"

namespace assay {

namespace {

constexpr std::uint32_t kLegacyMagic = 0x184c2102;
constexpr std::uint32_t kFrameMagic = 0x184d2204;
constexpr std::uint32_t kSkippable = 0x184d2a50;  // to 0x184d2a5f

// LZ4_DEFAULT_UNCOMPRESSED_CHUNK_SIZE in lib/decompress_unlz4.c, and the largest block that unlz4
// takes.
constexpr std::size_t kBlockSize = 8 * limits::kMiB;
constexpr std::uint32_t kLargestBlock = LZ4_COMPRESSBOUND(kBlockSize);

std::uint32_t word(std::span<const std::uint8_t> four) { return Record<4>(View(four)).le32<0>(); }

// Memory that is not filled with zeros before it is filled with data.
class Scratch {
 public:
  std::span<std::uint8_t> take(std::size_t size) {
    if (!bytes_) bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(kLargestBlock);
    return std::span(bytes_.get(), kLargestBlock).first(size);
  }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
};

class LegacyStream final : public DecodingStream {
 public:
  static constexpr std::uint64_t kMemory = 2ULL * kLargestBlock;

  LegacyStream(Input input, AfterStream after, DecoderMemory::Share memory)
      : memory_(std::move(memory)), input_(std::move(input)), after_(after) {}

  std::uint64_t input_offset() const override { return input_.offset(); }

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    std::size_t filled = 0;
    while (filled < out.size()) {
      if (!pending_.empty()) {
        const std::size_t size = std::min(pending_.size(), out.size() - filled);
        copy_bytes(pending_.first(size), out.subspan(filled));
        pending_ = pending_.subspan(size);
        filled += size;
      } else if (ended_) {
        break;
      } else {
        ASSAY_TRY(const std::size_t got, decode_block(out.subspan(filled)));
        filled += got;
      }
    }
    return filled;
  }

 private:
  // Decodes one block straight to `out` where any block fits; otherwise to pending_, which read()
  // hands out in pieces. Sets ended_ where there is none.
  Result<std::size_t> decode_block(std::span<std::uint8_t> out) {
    ASSAY_TRY(const std::optional<std::uint32_t> size, next_size());
    if (!size) return 0;
    const std::span<std::uint8_t> block = compressed_.take(*size);
    ASSAY_TRY(const std::size_t got, input_.read(block));
    if (got < *size) return missing_block(*size);
    const bool straight = out.size() >= kBlockSize;
    const std::span<std::uint8_t> target =
        straight ? out.first(kBlockSize) : decoded_.take(kBlockSize);
    // liblz4 takes char*, as C did.
    const int size_out = LZ4_decompress_safe(reinterpret_cast<const char*>(block.data()),
                                             reinterpret_cast<char*>(target.data()),
                                             static_cast<int>(*size), static_cast<int>(kBlockSize));
    if (size_out < 0) return fail_at(Reason::stream_corrupt, input_, "not an lz4 block");
    produced_ += static_cast<std::uint32_t>(size_out);
    if (straight) return static_cast<std::size_t>(size_out);
    pending_ = target.first(static_cast<std::size_t>(size_out));
    return 0;
  }

  // The size of the next block; nothing at the end.
  Result<std::optional<std::uint32_t>> next_size() {
    for (;;) {
      ASSAY_TRY(const std::span<const std::uint8_t> head, input_.at_least(4));
      if (head.empty() || (head.size() < 4 && ignores_rest())) return end();
      if (head.size() < 4) return fail_at(Reason::stream_truncated, input_);
      const std::uint32_t size = word(head.first(4));
      if (size > kLargestBlock && size != kLegacyMagic) {
        if (is_size_trailer(size)) return end();
        return fail_at(Reason::stream_corrupt, input_,
                       fmt::format("a block of {} bytes, at most {}", size, kLargestBlock));
      }
      input_.skip(4);
      if (size == 0) {
        ASSAY_CHECK(check_padding());
        return end();
      }
      if (size != kLegacyMagic) return size;
    }
  }

  std::optional<std::uint32_t> end() {
    ended_ = true;
    return std::nullopt;
  }

  bool ignores_rest() const { return after_ == AfterStream::ignore; }

  // What size_append wrote: the size of everything before it. As the format has no end, only a
  // block that is too large or not all there can be told from it.
  bool is_size_trailer(std::uint32_t size) const { return ignores_rest() && size == produced_; }

  Result<std::size_t> missing_block(std::uint32_t size) {
    if (!is_size_trailer(size)) return fail_at(Reason::stream_truncated, input_);
    ended_ = true;
    return 0;
  }

  // Zeros after the last block are padding, as in an initramfs.
  Result<void> check_padding() {
    if (after_ == AfterStream::refuse) return check_no_more(input_);
    while (!ignores_rest()) {
      ASSAY_TRY(const std::span<const std::uint8_t> rest, input_.some());
      if (rest.empty()) break;
      if (!std::ranges::all_of(rest, [](std::uint8_t byte) { return byte == 0; }))
        return fail_at(Reason::stream_corrupt, input_, "bytes follow the end of the stream");
      input_.skip(rest.size());
    }
    return {};
  }

  DecoderMemory::Share memory_;
  Input input_;
  AfterStream after_;
  bool ended_ = false;
  std::uint32_t produced_ = 0;  // modulo 2^32, as size_append counts
  Scratch compressed_;
  Scratch decoded_;
  std::span<const std::uint8_t> pending_;
};

class Frames {
 public:
  Frames() = default;
  Frames(const Frames&) = delete;
  Frames& operator=(const Frames&) = delete;
  ~Frames() { LZ4F_freeDecompressionContext(lz4f_); }

  void configure(std::uint64_t memory_limit, DecoderMemory::Share memory) {
    memory_limit_ = memory_limit;
    memory_ = std::move(memory);
  }

  Result<void> begin(Input& input) {
    if (lz4f_ == nullptr && LZ4F_isError(LZ4F_createDecompressionContext(&lz4f_, LZ4F_VERSION)))
      return fail_at(Reason::limit_memory, input, "liblz4 cannot start");
    ASSAY_TRY(const std::span<const std::uint8_t> head, input.at_least(6));
    if (head.size() < 6) return fail_at(Reason::stream_truncated, input);
    const std::uint32_t magic = word(head.first(4));
    if ((magic & 0xfffffff0) == kSkippable) return {};
    if (magic != kFrameMagic)
      return fail_at(Reason::stream_corrupt, input, "not the magic of a frame");
    // Block sizes are 64 KiB x 4^n (lz4_Frame_format.md, "BD byte"); LZ4F holds a block as it came,
    // the block decoded and 128 KiB of history.
    const int shift = 16 + 2 * (((head[5] >> 4) & 7) - 4);
    if (shift < 16) return {};
    const std::uint64_t needed = (2ULL << shift) + 128 * limits::kKiB;
    if (needed > memory_limit_) return fail_at(Reason::limit_memory, input);
    memory_.hold(needed + Input::kBufferSize);
    return {};
  }

  std::expected<Step, Fault> step(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
    std::size_t in_size = in.size();
    std::size_t out_size = out.size();
    const std::size_t code =
        LZ4F_decompress(lz4f_, out.data(), &out_size, in.data(), &in_size, nullptr);
    if (LZ4F_isError(code))
      return std::unexpected(Fault{Reason::stream_corrupt, LZ4F_getErrorName(code), in_size});
    return Step{in_size, out_size, code == 0};
  }

 private:
  DecoderMemory::Share memory_;
  LZ4F_dctx* lz4f_ = nullptr;
  std::uint64_t memory_limit_ = 0;
};

}  // namespace

Decoder open_lz4(std::unique_ptr<Stream> stream, const DecoderOptions& options) {
  DecoderMemory::Share memory = share_of(options);
  Input input(std::move(stream));
  ASSAY_TRY(const std::span<const std::uint8_t> head, input.at_least(4));
  if (head.size() < 4) return fail_at(Reason::stream_truncated, input);
  if (word(head.first(4)) == kLegacyMagic) {
    if (options.memory_limit < LegacyStream::kMemory) return fail_at(Reason::limit_memory, input);
    memory.hold(LegacyStream::kMemory + Input::kBufferSize);
    return std::make_unique<LegacyStream>(std::move(input), options.after, std::move(memory));
  }
  auto frames = std::make_unique<Pump<Frames>>(std::move(input), options.after);
  frames->library().configure(options.memory_limit, std::move(memory));
  return frames;
}

}  // namespace assay
