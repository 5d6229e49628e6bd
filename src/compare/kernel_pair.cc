#include "compare/kernel_pair.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "bytes/reader.h"
#include "bytes/rope.h"
#include "crypto/hash.h"
#include "formats/x509.h"
#include "trust/system_certificates.h"

namespace assay {

namespace {

constexpr std::uint64_t kPiece = 256 * limits::kKiB;

// scripts/Makefile.lib (6.1, 6.12, 7.2), size_append: all codecs but gzip, whose streams end with
// their size, are followed by the size of what they decode to.
constexpr std::uint64_t kSizeWord = 4;

struct Kernel {
  KernelImage image;
  std::unique_ptr<Content> plain;
  SystemCertificates list;
};

// The kernel, and nothing beside it in the payload: what a decompressor does not look at could be
// anything.
Result<std::unique_ptr<Content>> hold_kernel(const Content& file, const KernelImage& image) {
  const auto hold_all = [](Stream& stream) {
    return hold(stream, limits::kArtifactInMemory, limits::kKernelPayload);
  };
  if (!image.payload_codec || image.outer) {
    ASSAY_TRY(const auto stream, open_payload(file, image));
    return hold_all(*stream);
  }
  const std::uint64_t behind = *image.payload_codec == Codec::gzip ? 0 : kSizeWord;
  if (image.payload.size < behind) return fail(Reason::bad_length, image.payload);
  DecoderOptions options = kPayloadOptions;
  options.after = AfterStream::refuse;
  ASSAY_TRY(const auto stream,
            open_decoder(*image.payload_codec,
                         std::make_unique<ContentStream>(file, image.payload.offset,
                                                         image.payload.size - behind),
                         options));
  ASSAY_TRY(auto plain, hold_all(*stream));
  if (behind == 0) return plain;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View word, view_of(file, image.payload.end() - behind, behind, scratch));
  if (Record<kSizeWord>(word).le32<0>() != plain->size())
    return fail(Reason::bad_length, {image.payload.end() - behind, behind});
  return plain;
}

std::optional<Kernel> open_kernel(const Content& file) {
  const auto image = find_kernel_image(file);
  if (!image || !*image) return std::nullopt;
  auto plain = hold_kernel(file, **image);
  if (!plain) return std::nullopt;
  ContentStream stream(**plain);
  auto list = find_system_certificates(stream, (*image)->arch);
  if (!list || list->module_cert_size == 0 || list->certificates.empty()) return std::nullopt;
  return Kernel{**image, std::move(*plain), std::move(*list)};
}

BuildKey describe_key(const std::vector<std::uint8_t>& der) {
  BuildKey key;
  key.subject = short_name(parse_certificate(View(der)).subject);
  if (const auto print = compute_digest(Hash::sha256, der)) key.fingerprint = print->hex();
  return key;
}

// The description of the GNU build-id note that `at` lies in: namesz 4, descsz, type
// NT_GNU_BUILD_ID, "GNU" (System V ABI, "Note Section"; ld, --build-id).
std::optional<Extent> find_build_id(const Content& kernel, std::uint64_t at) {
  constexpr std::uint64_t kHeader = 16;
  constexpr std::uint64_t kLongest = 64;
  const std::uint64_t first = at - std::min(at, kHeader + kLongest - 1);
  std::vector<std::uint8_t> scratch;
  const auto bytes = view_of(kernel, first, at - first, scratch);
  if (!bytes) return std::nullopt;
  for (std::uint64_t start = 0; start + kHeader <= bytes->size(); ++start) {
    const View header = bytes->sub(start, kHeader);
    const Record<kHeader> note(header);
    const bool is_big = note.be32<0>() == 4 && note.be32<8>() == 3;
    const bool is_little = note.le32<0>() == 4 && note.le32<8>() == 3;
    if ((!is_big && !is_little) || header.sub(12, 4).text() != std::string_view("GNU\0", 4))
      continue;
    const std::uint64_t size = is_big ? note.be32<4>() : note.le32<4>();
    const std::uint64_t offset = first + start + kHeader;
    if (size <= kLongest && offset <= at && at - offset < size &&
        lies_inside(offset, size, kernel.size()))
      return Extent{offset, size};
  }
  return std::nullopt;
}

// The first place from `from` on where they differ; nothing where there is none.
Result<std::optional<std::uint64_t>> find_mismatch(const Content& a, const Content& b,
                                                   std::uint64_t from, std::uint64_t end) {
  std::vector<std::uint8_t> scratch_a;
  std::vector<std::uint8_t> scratch_b;
  for (std::uint64_t at = from; at < end; at += kPiece) {
    const std::uint64_t size = std::min(kPiece, end - at);
    ASSAY_TRY(const View piece_a, view_of(a, at, size, scratch_a));
    ASSAY_TRY(const View piece_b, view_of(b, at, size, scratch_b));
    const auto found = std::ranges::mismatch(piece_a.bytes(), piece_b.bytes()).in1;
    if (found != piece_a.bytes().end())
      return at + static_cast<std::uint64_t>(found - piece_a.bytes().begin());
  }
  return std::nullopt;
}

Result<std::string> describe_difference(const Kernel& a, const Kernel& b, KernelPair& pair) {
  if (a.list.where != b.list.where || a.list.module_cert_size != b.list.module_cert_size)
    return fmt::format(
        "the certificates are not in one place: lists of {} and {} bytes at offsets {} and {} of "
        "the decompressed kernels, module signing certificates of {} and {} bytes",
        a.list.where.size, b.list.where.size, a.list.where.offset, b.list.where.offset,
        a.list.module_cert_size, b.list.module_cert_size);
  if (a.plain->size() != b.plain->size())
    return fmt::format("the decompressed kernels have {} and {} bytes", a.plain->size(),
                       b.plain->size());
  for (std::uint64_t at = 0; at < a.plain->size();) {
    ASSAY_TRY(const auto found, find_mismatch(*a.plain, *b.plain, at, a.plain->size()));
    if (!found) break;
    if (*found >= pair.certificate.offset && *found < pair.certificate.end()) {
      at = pair.certificate.end();
      continue;
    }
    const auto build_id = pair.build_id ? std::nullopt : find_build_id(*a.plain, *found);
    if (!build_id)
      return fmt::format(
          "the decompressed kernels differ outside their certificates as well, first at offset {}",
          *found);
    pair.build_id = build_id;
    at = build_id->end();
  }
  return std::string();
}

// The CRC that arch/x86/boot/tools/build.c (6.1, 6.12) writes behind an image: of IEEE 802.3,
// without the last inversion, so that it is 0 with itself.
Result<bool> ends_with_crc(const Content& image) {
  constexpr std::uint32_t kPolynomial = 0xedb88320;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit)
      table[i] = table[i] >> 1U ^ ((table[i] & 1U) != 0 ? kPolynomial : 0U);
  }
  std::uint32_t crc = 0xffffffff;
  std::vector<std::uint8_t> scratch;
  for (std::uint64_t at = 0; at < image.size(); at += kPiece) {
    ASSAY_TRY(const View piece, view_of(image, at, std::min(kPiece, image.size() - at), scratch));
    for (const std::uint8_t byte : piece.bytes()) crc = table[(crc ^ byte) & 0xffU] ^ crc >> 8U;
  }
  return crc == 0;
}

Result<std::string> describe_around(const Content& file_a, const Kernel& a, const Content& file_b,
                                    const Kernel& b) {
  constexpr std::uint64_t kCrcSize = 4;
  if (a.image.format != b.image.format || a.image.outer != b.image.outer ||
      a.image.payload_codec != b.image.payload_codec)
    return std::string("the kernels are in images of other kinds");
  if (a.image.outer) return std::string();  // the image as a whole is one stream
  if (a.image.payload != b.image.payload || file_a.size() != file_b.size())
    return fmt::format(
        "what lies around the kernels is not compared: the compressed kernels have {} and {} "
        "bytes, so that the decompressor has other addresses",
        a.image.payload.size, b.image.payload.size);
  const Extent payload = a.image.payload;
  std::uint64_t end = file_a.size();
  if (a.image.format == ImageFormat::bzimage && end - payload.end() >= kCrcSize) {
    ASSAY_TRY(const bool crc_a, ends_with_crc(file_a));
    ASSAY_TRY(const bool crc_b, ends_with_crc(file_b));
    if (crc_a && crc_b) end -= kCrcSize;
  }
  ASSAY_TRY(auto found, find_mismatch(file_a, file_b, 0, payload.offset));
  if (!found) {
    ASSAY_TRY(found, find_mismatch(file_a, file_b, payload.end(), end));
  }
  if (!found) return std::string();
  return fmt::format("the images differ around the kernels as well, first at offset {}", *found);
}

}  // namespace

std::optional<KernelPair> compare_kernels(const Content& a, const Content& b) {
  const auto kernel_a = open_kernel(a);
  if (!kernel_a) return std::nullopt;
  const auto kernel_b = open_kernel(b);
  if (!kernel_b) return std::nullopt;
  const auto& der_a = kernel_a->list.certificates.front();
  const auto& der_b = kernel_b->list.certificates.front();
  if (der_a == der_b) return std::nullopt;
  KernelPair pair;
  pair.release = release_of_banner(kernel_a->list.banner).value_or("");
  pair.certificate = {kernel_a->list.where.offset, der_a.size()};
  pair.a = describe_key(der_a);
  pair.b = describe_key(der_b);
  auto difference = describe_difference(*kernel_a, *kernel_b, pair);
  if (!difference) return std::nullopt;
  pair.difference = std::move(*difference);
  auto around = describe_around(a, *kernel_a, b, *kernel_b);
  if (!around) return std::nullopt;
  pair.around = std::move(*around);
  return pair;
}

}  // namespace assay
