#include "formats/s390_image.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/limits.h"
#include "formats/kernel_image.h"

namespace assay {

namespace {

using namespace std::string_view_literals;

// arch/s390/boot/head.S: the entry points, EP_OFFSET and EP_STRING.
constexpr std::uint64_t kEntryPoint = 0x10008;
constexpr std::string_view kEntryString = "S390EP\0\1"sv;

// arch/s390/boot/vmlinux.lds.S: everything before PARMAREA (0x10400) has fixed contents; the
// decompressor's code, data and bss follow, then the kernel. It is aligned to 8 bytes, or, when it
// is not compressed, to 1 MiB.
constexpr std::uint64_t kSearchStart = 0x10400;
constexpr std::uint64_t kSearchEnd = 4 * limits::kMiB + 4096;
constexpr std::uint64_t kSearchPiece = 256 * limits::kKiB;
constexpr std::uint64_t kAlignment = 8;
constexpr std::uint64_t kPlainAlignment = limits::kMiB;
// Places that look compressed and may be tried. Besides the payload, real images have none or one:
// constants of the decompressor.
constexpr int kTries = 32;
static_assert(kSearchEnd + kSearchPiece <= DecodedSource::kReach);

// .sb.trailer, the last bytes of a page: 24 zeros, 0x20, "zIPL". A signature may follow.
constexpr std::uint64_t kPage = 4096;
constexpr std::string_view kTrailer =
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x20zIPL"sv;
constexpr std::uint64_t kSignatureSize = 64 * limits::kKiB;

// The kernel starts with startup_continue (arch/s390/kernel/head64.S in 6.1 and 6.12, head.S in
// 7.2) and, aligned to 16 bytes behind it, the PSW that it loads should start_kernel return: a
// disabled wait in 64-bit mode at address 0. In 6.1 this is at 0x50.
constexpr std::string_view kWaitPsw = "\0\2\0\1\x80\0\0\0\0\0\0\0\0\0\0\0"sv;
constexpr std::size_t kStartSize = 512;

bool is_kernel_start(View start) {
  for (std::size_t at = 0; at + kWaitPsw.size() <= start.size(); at += kWaitPsw.size())
    if (start.sub(at, kWaitPsw.size()).text() == kWaitPsw) return true;
  return false;
}

// Damage means that this is no payload, and nothing else.
bool decodes_to_kernel(const ImageSource& source, std::uint64_t offset, Codec codec) {
  DecoderOptions options = kPayloadOptions;
  options.after = AfterStream::ignore;
  auto packed = source.stream(offset);
  if (!packed) return false;
  const auto decoder = open_decoder(codec, std::move(*packed), options);
  if (!decoder) return false;
  std::array<std::uint8_t, kStartSize> start;
  const auto got = read_full(**decoder, start);
  return got && is_kernel_start(View(std::span(start).first(*got)));
}

// Where the image ends as the linker left it: before the trailer, if there is one.
Result<std::uint64_t> find_end(ImageSource& source, std::uint64_t size) {
  const std::uint64_t last_page = size / kPage * kPage;
  for (std::uint64_t end = last_page; end + kSignatureSize >= size && end > kSearchStart;
       end -= kPage) {
    ASSAY_TRY(const auto trailer, source.at(end - kTrailer.size(), kTrailer.size()));
    if (trailer && trailer->text() == kTrailer) return end - kTrailer.size();
  }
  return size;
}

Result<std::optional<S390Payload>> payload_at(ImageSource& source, std::uint64_t offset,
                                              std::optional<Codec> codec) {
  const std::optional<std::uint64_t> size = source.size();
  if (!size) return S390Payload{{offset, 0}, codec};
  ASSAY_TRY(const std::uint64_t end, find_end(source, *size));
  if (end <= offset) return std::nullopt;
  return S390Payload{{offset, end - offset}, codec};
}

class Search {
 public:
  explicit Search(ImageSource& source) : source_(source) {}

  Result<std::optional<S390Payload>> run() {
    for (std::uint64_t at = kSearchStart; at < kSearchEnd; at += kSearchPiece) {
      // With enough behind each position to tell a kernel's start.
      ASSAY_TRY(const View piece, source_.up_to(at, kSearchPiece + kStartSize));
      if (piece.empty()) break;
      const auto found = search(View(piece.bytes(), at));
      if (found) return payload_at(source_, found->where.offset, found->codec);
    }
    return std::nullopt;
  }

 private:
  std::optional<S390Payload> search(View piece) {
    const std::size_t end = std::min<std::size_t>(piece.size(), kSearchPiece);
    for (std::size_t at = 0; at < end && tries_ < kTries; at += kAlignment) {
      const View here = piece.sub(at, std::min(piece.size() - at, kStartSize));
      const std::uint64_t offset = here.origin();
      if (offset % kPlainAlignment == 0 && is_kernel_start(here))
        return S390Payload{here.extent(), std::nullopt};
      if (here[0] == 0) continue;
      const auto codec = detect_codec(here);
      if (!codec) continue;
      ++tries_;
      if (decodes_to_kernel(source_, offset, *codec)) return S390Payload{here.extent(), codec};
    }
    return std::nullopt;
  }

  ImageSource& source_;
  int tries_ = 0;
};

}  // namespace

Result<bool> is_s390_image(ImageSource& source) {
  ASSAY_TRY(const auto entry, source.at(kEntryPoint, kEntryString.size()));
  return entry && entry->text() == kEntryString;
}

Result<std::optional<S390Payload>> find_s390_payload(ImageSource& source) {
  return Search(source).run();
}

}  // namespace assay
