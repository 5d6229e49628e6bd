#include "formats/kernel_image.h"

#include <fmt/format.h>

#include <algorithm>

#include "bytes/reader.h"
#include "formats/image_source.h"
#include "formats/kernel_elf.h"
#include "formats/s390_image.h"

namespace assay {

namespace {

using namespace std::string_view_literals;

using Found = Result<std::optional<KernelImage>>;

constexpr std::string_view kNames[] = {"bzimage", "image", "zboot", "s390", "vmlinux"};

// Enough for detect_codec() and for the magic of an ELF file.
constexpr std::uint64_t kMagicSize = 16;

Result<void> check_inside(const ImageSource& source, Extent payload) {
  const std::optional<std::uint64_t> size = source.size();
  if (!size || lies_inside(payload.offset, payload.size, *size)) return {};
  return fail(Reason::bad_length, payload,
              fmt::format("payload of {} bytes at {}, {} bytes in all", payload.size,
                          payload.offset, *size));
}

// --- x86: Documentation/x86/boot.rst, "Details of Header Fields"; arch/x86/boot/header.S

constexpr std::uint64_t kSetupHeader = 0x1f1;
constexpr std::uint64_t kSetupHeaderSize = 0x250 - kSetupHeader;
constexpr std::uint64_t kSector = 512;
constexpr unsigned kPayloadFields = 0x0208;  // the version that brought payload_offset
constexpr unsigned kXloadflags = 0x020c;
constexpr unsigned kXlfKernel64 = 1;
constexpr std::uint64_t kVersionStringSize = 256;

// The text up to its first character that cannot be printed.
std::string printable(View view) {
  const auto end = std::ranges::find_if(view.text(), [](char c) { return c < ' ' || c > '~'; });
  return std::string(view.text().begin(), end);
}

Result<std::string> read_banner(ImageSource& source, std::uint64_t pointer) {
  if (pointer == 0) return std::string();
  ASSAY_TRY(const View text, source.up_to(pointer + kSector, kVersionStringSize));
  return printable(text);
}

Result<std::optional<Codec>> read_payload_codec(ImageSource& source, Extent payload) {
  ASSAY_TRY(const View head, source.up_to(payload.offset, std::min(payload.size, kMagicSize)));
  if (const auto codec = detect_codec(head)) return codec;
  if (head.text().starts_with("\x7f"
                              "ELF"))
    return std::nullopt;
  return fail(Reason::codec_unsupported, payload, "the payload is neither compressed nor ELF");
}

// memtest86+ and iPXE speak the boot protocol as well; they have no payload. 32-bit kernels are not
// ours.
Found find_bzimage(ImageSource& source) {
  ASSAY_TRY(const auto view, source.at(kSetupHeader, kSetupHeaderSize));
  if (!view) return std::nullopt;
  const Record<kSetupHeaderSize> header(*view);
  // Offsets as boot.rst gives them, less kSetupHeader.
  const std::uint64_t setup_sects = header.u8<0x0>() != 0 ? header.u8<0x0>() : 4;
  const unsigned boot_flag = header.le16<0xd>();
  const std::uint32_t magic = header.le32<0x11>();
  const unsigned version = header.le16<0x15>();
  const std::uint64_t kernel_version = header.le16<0x1d>();
  const unsigned xloadflags = header.le16<0x45>();
  const std::uint64_t payload_offset = header.le32<0x57>();
  const std::uint64_t payload_length = header.le32<0x5b>();

  if (boot_flag != 0xaa55 || magic != 0x53726448) return std::nullopt;
  if (version < kPayloadFields || payload_length == 0) return std::nullopt;
  if (version >= kXloadflags && (xloadflags & kXlfKernel64) == 0) return std::nullopt;
  KernelImage image{.format = ImageFormat::bzimage, .arch = std::nullopt};
  if (version >= kXloadflags) image.arch = Arch::x86_64;
  image.payload = {(setup_sects + 1) * kSector + payload_offset, payload_length};
  ASSAY_CHECK(check_inside(source, image.payload));
  ASSAY_TRY(image.payload_codec, read_payload_codec(source, image.payload));
  ASSAY_TRY(image.banner, read_banner(source, kernel_version));
  return image;
}

// --- arm64 and riscv: Documentation/arm64/booting.rst, Documentation/riscv/boot-image-header.rst

constexpr std::uint32_t kArm64Magic = 0x644d5241;   // "ARM\x64"
constexpr std::uint32_t kRiscvMagic2 = 0x05435352;  // "RSC\x05"
constexpr std::uint64_t kBigEndianKernel = 1;       // in flags; the header itself is little-endian
constexpr std::uint64_t kRiscv32TextOffset = 0x400000;

Found find_image(ImageSource& source) {
  ASSAY_TRY(const auto view, source.at(0, 64));
  if (!view) return std::nullopt;
  const Record<64> header(*view);
  const std::uint64_t text_offset = header.le64<8>();
  const std::uint64_t flags = header.le64<24>();
  const std::uint32_t magic = header.le32<56>();

  if (magic != kArm64Magic && magic != kRiscvMagic2) return std::nullopt;
  // A 32-bit riscv kernel tells itself only by where it wants to be (arch/riscv/kernel/head.S).
  if (magic == kRiscvMagic2 && text_offset == kRiscv32TextOffset) return std::nullopt;
  KernelImage image{.format = ImageFormat::image,
                    .arch = magic == kArm64Magic ? Arch::arm64 : Arch::riscv64};
  // Arch stands for the little-endian kernels that distributions build.
  if (flags & kBigEndianKernel) image.arch = std::nullopt;
  image.payload = {0, source.size().value_or(0)};
  return image;
}

// --- EFI zboot: drivers/firmware/efi/libstub/zboot-header.S

constexpr std::uint64_t kZbootHeader = 64;
constexpr std::uint64_t kPeHeaderLimit = 4096;  // the headers fill one page at most

Result<std::optional<Arch>> read_pe_arch(ImageSource& source, std::uint64_t pe_offset) {
  if (pe_offset > kPeHeaderLimit) return std::nullopt;
  ASSAY_TRY(const auto view, source.at(pe_offset, 6));
  if (!view || !view->text().starts_with("PE\0\0"sv)) return std::nullopt;
  switch (Record<6>(*view).le16<4>()) {
    case 0x8664: return Arch::x86_64;
    case 0xaa64: return Arch::arm64;
    case 0x5064: return Arch::riscv64;
    default: return std::nullopt;
  }
}

Found find_zboot(ImageSource& source) {
  ASSAY_TRY(const auto view, source.at(0, kZbootHeader));
  if (!view || !view->text().starts_with("MZ") || view->sub(4, 4).text() != "zimg")
    return std::nullopt;
  const Record<kZbootHeader> header(*view);
  const std::uint64_t payload_offset = header.le32<8>();
  const std::uint64_t payload_size = header.le32<12>();
  const std::uint64_t pe_offset = header.le32<0x3c>();
  const std::string compression = printable(View(header.field<24, 32>()));

  KernelImage image{.format = ImageFormat::zboot, .arch = std::nullopt};
  image.payload = {payload_offset, payload_size};
  ASSAY_CHECK(check_inside(source, image.payload));
  ASSAY_TRY(const View head, source.up_to(payload_offset, std::min(payload_size, kMagicSize)));
  image.payload_codec = detect_codec(head);
  if (!image.payload_codec)
    return fail(Reason::codec_unsupported, image.payload,
                fmt::format("the header says '{}'", compression));
  ASSAY_TRY(image.arch, read_pe_arch(source, pe_offset));
  return image;
}

// --- s390 and ELF

Found find_s390(ImageSource& source) {
  ASSAY_TRY(const bool is_s390, is_s390_image(source));
  if (!is_s390) return std::nullopt;
  ASSAY_TRY(const std::optional<S390Payload> payload, find_s390_payload(source));
  if (!payload) return std::nullopt;
  KernelImage image{.format = ImageFormat::s390, .arch = Arch::s390x};
  image.payload = payload->where;
  image.payload_codec = payload->codec;
  return image;
}

Found find_vmlinux(ImageSource& source) {
  ASSAY_TRY(const std::optional<Arch> arch, find_kernel_elf(source));
  if (!arch) return std::nullopt;
  KernelImage image{.format = ImageFormat::vmlinux, .arch = arch};
  image.payload = {0, source.size().value_or(0)};
  return image;
}

Found find_any(ImageSource& source) {
  for (const auto find : {find_zboot, find_image, find_bzimage, find_vmlinux, find_s390}) {
    ASSAY_TRY(std::optional<KernelImage> image, find(source));
    if (image) return image;
  }
  return std::nullopt;
}

// At most `size` bytes of a stream, which must be there.
class PartStream final : public Stream {
 public:
  PartStream(std::unique_ptr<Stream> whole, std::uint64_t size)
      : whole_(std::move(whole)), left_(size) {}

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    const std::size_t size = std::min<std::uint64_t>(out.size(), left_);
    if (size == 0) return 0;
    ASSAY_TRY(const std::size_t got, whole_->read(out.first(size)));
    if (got == 0) return fail(Reason::truncated, {}, fmt::format("{} bytes are missing", left_));
    left_ -= got;
    return got;
  }

 private:
  std::unique_ptr<Stream> whole_;
  std::uint64_t left_;
};

Result<std::unique_ptr<Stream>> open_part(const Content& content, const KernelImage& image,
                                          const DecoderOptions& options) {
  if (!image.outer)
    return std::make_unique<ContentStream>(content, image.payload.offset, image.payload.size);
  ASSAY_TRY(std::unique_ptr<Stream> whole,
            DecodedSource(content, *image.outer, options).stream(image.payload.offset));
  if (image.payload.size == 0) return whole;
  return std::make_unique<PartStream>(std::move(whole), image.payload.size);
}

}  // namespace

std::string_view image_format_name(ImageFormat format) {
  return kNames[static_cast<std::size_t>(format)];
}

Found find_kernel_image(const Content& content) {
  FileSource file(content);
  ASSAY_TRY(std::optional<KernelImage> image, find_any(file));
  if (image) return image;
  ASSAY_TRY(const View head, file.up_to(0, kMagicSize));
  const std::optional<Codec> outer = detect_codec(head);
  if (!outer) return std::nullopt;
  DecodedSource decoded(content, *outer, kPayloadOptions);
  ASSAY_TRY(image, find_any(decoded));
  if (image) image->outer = outer;
  return image;
}

Result<std::unique_ptr<Stream>> open_payload(const Content& content, const KernelImage& image,
                                             const DecoderOptions& options) {
  if (!lies_inside(image.payload.offset, image.payload.size, content.size()) && !image.outer)
    return fail(Reason::bad_length, image.payload);
  ASSAY_TRY(std::unique_ptr<Stream> part, open_part(content, image, options));
  if (!image.payload_codec) return part;
  DecoderOptions inner = options;
  inner.after = AfterStream::ignore;
  return open_decoder(*image.payload_codec, std::move(part), inner);
}

std::optional<std::string> release_of_banner(std::string_view banner) {
  constexpr std::string_view kPrefix = "Linux version ";
  constexpr std::size_t kReleaseSize = 64;  // __NEW_UTS_LEN, include/uapi/linux/utsname.h
  if (banner.starts_with(kPrefix)) banner.remove_prefix(kPrefix.size());
  const std::string_view release = banner.substr(0, banner.find(' '));
  const auto is_graphic = [](char c) { return c > ' ' && c <= '~'; };
  if (release.empty() || release.size() > kReleaseSize || release[0] < '0' || release[0] > '9' ||
      !std::ranges::all_of(release, is_graphic))
    return std::nullopt;
  return std::string(release);
}

}  // namespace assay
