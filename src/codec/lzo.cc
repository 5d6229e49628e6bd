// The container that lzop writes around LZO1X blocks, as lib/decompress_unlzo.c (parse_header,
// unlzo; 6.1, 6.12, 7.2) reads it, and with the checksums that the kernel passes over.
//
//   header    89 4c 5a 4f 00 0d 0a 1a 0a, then, big endian,
//             0 version  2 of the library  4 needed to extract  6 method  7 level  8 flags
//             (12 filter, with kFilter)  12 mode  16 mtime, low  20 mtime, high  24 size of the
//             name 25 name, and a checksum of the header behind the magic (size, bytes and checksum
//             of an extra field, with kExtraField)
//   block     0 size  4 size in the file  8 checksums, bytes; size 0 is the end, and sizes that are
//             equal say that the block is stored as it is
//
// Checksums are Adler-32 or CRC-32: of the data, and of the compressed bytes of a block that is not
// stored; flags say which. Files may follow each other.

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "bytes/reader.h"
#include "codec/decoders.h"
#include "codec/input.h"
#include "codec/lzo1x.h"

namespace assay {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x89LZO\0\r\n\x1a\n"sv;
// LZO_BLOCK_SIZE in lib/decompress_unlzo.c; what lzop writes.
constexpr std::size_t kBlockSize = 256 * limits::kKiB;
static_assert(kBlockSize <= Input::kBufferSize);
constexpr std::uint64_t kMemory = kBlockSize + Input::kBufferSize;

constexpr unsigned kOldestVersion = 0x0940;  // earlier headers lack fields
constexpr unsigned kLastMethod = 3;          // 1 to 3 are LZO1X; 128 is zlib

// Flags of the header.
constexpr std::uint32_t kAdlerOfData = 0x1;
constexpr std::uint32_t kAdlerOfBlock = 0x2;
constexpr std::uint32_t kExtraField = 0x40;
constexpr std::uint32_t kCrcOfData = 0x100;
constexpr std::uint32_t kCrcOfBlock = 0x200;
constexpr std::uint32_t kMultipart = 0x400;
constexpr std::uint32_t kFilter = 0x800;
constexpr std::uint32_t kCrcOfHeader = 0x1000;

using Bytes = std::span<const std::uint8_t>;

std::uint32_t adler32_of(Bytes bytes) {
  return static_cast<std::uint32_t>(::adler32_z(1, bytes.data(), bytes.size()));
}

std::uint32_t crc32_of(Bytes bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, bytes.data(), bytes.size()));
}

// Fields of a header as they are read, for its checksum.
class Header {
 public:
  explicit Header(Input& input) : input_(input) {}

  template <std::size_t N>
  Result<Record<N>> take() {
    ASSAY_TRY(const Bytes bytes, take(N));
    return Record<N>(View(bytes));
  }

  Result<Bytes> take(std::size_t size) {
    const std::size_t at = read_.size();
    read_.resize(at + size);
    const std::span<std::uint8_t> field = std::span(read_).subspan(at);
    ASSAY_TRY(const std::size_t got, input_.read(field));
    if (got < size) return fail_at(Reason::stream_truncated, input_);
    return field;
  }

  // Reads the checksum of everything since `start` and compares.
  Result<void> check(std::size_t start, std::uint32_t flags) {
    const Bytes covered = Bytes(read_).subspan(start);
    const std::uint32_t actual = flags & kCrcOfHeader ? crc32_of(covered) : adler32_of(covered);
    ASSAY_TRY(const auto stored, take<4>());
    if (stored.be32<0>() != actual)
      return fail_at(Reason::stream_corrupt, input_, "checksum of the header");
    return {};
  }

  std::size_t size() const { return read_.size(); }

 private:
  Input& input_;
  std::vector<std::uint8_t> read_;
};

class LzopStream final : public DecodingStream {
 public:
  LzopStream(std::unique_ptr<Stream> input, AfterStream after, DecoderMemory::Share memory)
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
      } else if (state_ == State::ended) {
        break;
      } else if (state_ == State::between) {
        ASSAY_CHECK(read_header());
        state_ = State::inside;
      } else {
        ASSAY_TRY(const std::size_t got, decode_block(out.subspan(filled)));
        filled += got;
      }
    }
    return filled;
  }

 private:
  enum class State : std::uint8_t { between, inside, ended };

  Result<void> read_header() {
    ASSAY_TRY(const Bytes magic, input_.at_least(kMagic.size()));
    if (magic.size() < kMagic.size()) return fail_at(Reason::stream_truncated, input_);
    if (!View(magic).text().starts_with(kMagic))
      return fail_at(Reason::stream_corrupt, input_, "not the magic of lzop");
    input_.skip(kMagic.size());

    Header header(input_);
    ASSAY_TRY(const auto fixed, header.take<12>());
    if (fixed.be16<0>() < kOldestVersion)
      return fail_at(Reason::codec_unsupported, input_,
                     fmt::format("version {:#06x}", fixed.be16<0>()));
    flags_ = fixed.be32<8>();
    if (flags_ & kFilter) ASSAY_CHECK(header.take<4>());
    ASSAY_TRY(const auto names, header.take<13>());
    ASSAY_CHECK(header.take(names.u8<12>()));
    ASSAY_CHECK(header.check(0, flags_));
    if (flags_ & kExtraField) ASSAY_CHECK(skip_extra_field(header));
    return check_supported(fixed.u8<6>());
  }

  Result<void> check_supported(unsigned method) {
    if (method < 1 || method > kLastMethod)
      return fail_at(Reason::codec_unsupported, input_, fmt::format("method {}", method));
    if (flags_ & (kFilter | kMultipart))
      return fail_at(Reason::codec_unsupported, input_, fmt::format("flags {:#x}", flags_));
    return {};
  }

  Result<void> skip_extra_field(Header& header) {
    const std::size_t start = header.size();
    ASSAY_TRY(const auto size, header.take<4>());
    if (size.be32<0>() > kBlockSize)
      return fail_at(Reason::codec_unsupported, input_,
                     fmt::format("an extra field of {} bytes", size.be32<0>()));
    ASSAY_CHECK(header.take(size.be32<0>()));
    return header.check(start, flags_);
  }

  // Decodes one block, straight to `out` where it fits.
  Result<std::size_t> decode_block(std::span<std::uint8_t> out) {
    ASSAY_TRY(const std::uint32_t size, next_word());
    if (size == 0) return end_file();
    ASSAY_TRY(const std::uint32_t size_in_file, next_word());
    if (size > kBlockSize || size_in_file == 0 || size_in_file > size)
      return fail_at(Reason::stream_corrupt, input_,
                     fmt::format("a block of {} bytes in {}", size, size_in_file));
    const bool stored = size_in_file == size;
    ASSAY_TRY(const Checksums of_data, next_checksums(kAdlerOfData, kCrcOfData));
    Checksums of_block;
    if (!stored) {
      ASSAY_TRY(of_block, next_checksums(kAdlerOfBlock, kCrcOfBlock));
    }
    ASSAY_TRY(const Bytes held, input_.at_least(size_in_file));
    if (held.size() < size_in_file) return fail_at(Reason::stream_truncated, input_);
    const Bytes block = held.first(size_in_file);
    ASSAY_CHECK(check(of_block, block));

    const bool straight = out.size() >= size;
    if (!straight) buffer_.resize(kBlockSize);
    const std::span<std::uint8_t> target = (straight ? out : std::span(buffer_)).first(size);
    if (stored)
      copy_bytes(block, target);
    else if (decode_lzo1x(block, target) != target.size())
      return fail_at(Reason::stream_corrupt, input_, "not an LZO1X block");
    ASSAY_CHECK(check(of_data, target));
    input_.skip(size_in_file);
    if (straight) return target.size();
    pending_ = target;
    return 0;
  }

  Result<std::size_t> end_file() {
    state_ = State::ended;
    if (after_ == AfterStream::refuse) {
      ASSAY_CHECK(check_no_more(input_));
    }
    if (after_ == AfterStream::decode) {
      ASSAY_TRY(const Bytes rest, input_.some());
      if (!rest.empty()) state_ = State::between;
    }
    return 0;
  }

  struct Checksums {
    std::optional<std::uint32_t> adler;
    std::optional<std::uint32_t> crc;
  };

  Result<Checksums> next_checksums(std::uint32_t adler_flag, std::uint32_t crc_flag) {
    Checksums checksums;
    if (flags_ & adler_flag) {
      ASSAY_TRY(checksums.adler, next_word());
    }
    if (flags_ & crc_flag) {
      ASSAY_TRY(checksums.crc, next_word());
    }
    return checksums;
  }

  Result<void> check(const Checksums& stored, Bytes bytes) {
    if (stored.adler && *stored.adler != adler32_of(bytes))
      return fail_at(Reason::stream_corrupt, input_, "Adler-32 of the block");
    if (stored.crc && *stored.crc != crc32_of(bytes))
      return fail_at(Reason::stream_corrupt, input_, "CRC-32 of the block");
    return {};
  }

  Result<std::uint32_t> next_word() {
    ASSAY_TRY(const Bytes bytes, input_.at_least(4));
    if (bytes.size() < 4) return fail_at(Reason::stream_truncated, input_);
    input_.skip(4);
    return Record<4>(View(bytes.first(4))).be32<0>();
  }

  DecoderMemory::Share memory_;
  Input input_;
  AfterStream after_;
  State state_ = State::between;
  std::uint32_t flags_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::span<const std::uint8_t> pending_;
};

}  // namespace

Decoder open_lzo(std::unique_ptr<Stream> input, const DecoderOptions& options) {
  if (options.memory_limit < kMemory) return fail(Reason::limit_memory);
  DecoderMemory::Share memory = share_of(options);
  memory.hold(kMemory);
  return std::make_unique<LzopStream>(std::move(input), options.after, std::move(memory));
}

}  // namespace assay
