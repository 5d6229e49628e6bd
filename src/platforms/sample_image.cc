#include "platforms/sample_image.h"

#include <span>
#include <string_view>

namespace assay {

namespace {

constexpr std::size_t kSize = 128 << 10;  // beyond the parameter area of an s390 image
constexpr std::size_t kPeHeader = 0x400;  // behind the setup header of a bzImage

// Little-endian fields at their offsets.
class Image {
 public:
  Image() : bytes_(kSize) {}

  void put(std::size_t offset, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      bytes_[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  void put(std::size_t offset, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i)
      bytes_[offset + i] = static_cast<std::uint8_t>(text[i]);
  }

  // PE32+ without sections and with an empty certificate directory: "Unsigned PE binary".
  void put_pe(std::uint16_t machine) {
    constexpr std::size_t kOptional = kPeHeader + 24;
    put(0, "MZ");
    put(60, kPeHeader, 4);
    put(kPeHeader, 0x00004550, 4);
    put(kPeHeader + 4, machine, 2);
    put(kPeHeader + 20, 160, 2);     // SizeOfOptionalHeader
    put(kOptional, 0x20B, 2);        // PE32+
    put(kOptional + 60, 0x1000, 4);  // SizeOfHeaders
    put(kOptional + 108, 6, 4);      // NumberOfRvaAndSizes
  }

  // Documentation/arch/x86/boot.rst: protocol 2.15, loaded high, 64-bit, above 4 GiB.
  void put_bzimage() {
    put(0x1F1, 4, 1);
    put(0x1FE, 0xAA55, 2);
    put(0x202, "HdrS");
    put(0x206, 0x020F, 2);
    put(0x211, 1, 1);
    put(0x236, 3, 2);
  }

  // ET_EXEC with one PT_LOAD.
  void put_elf(std::uint16_t machine) {
    put(0,
        "\x7f"
        "ELF\x02\x01\x01");
    put(16, 2, 2);
    put(18, machine, 2);
    put(20, 1, 4);
    put(32, 64, 8);                         // e_phoff
    put(48, machine == kPpc64 ? 2 : 0, 4);  // e_flags: ELFv2
    put(52, 64, 2);
    put(54, 56, 2);
    put(56, 1, 2);
    put(64, 1, 4);
    put(64 + 32, 0x100, 8);
    put(64 + 40, 0x100, 8);
  }

  std::vector<std::uint8_t> release() && { return std::move(bytes_); }

  static constexpr std::uint16_t kPpc64 = 21;
  static constexpr std::uint16_t kRiscv = 243;

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

std::vector<std::uint8_t> sample_image(const KernelId& kernel) {
  Image image;
  switch (kernel.arch) {
    case Arch::x86_64:
      image.put_pe(0x8664);
      image.put_bzimage();
      break;
    case Arch::arm64:
      image.put_pe(0xAA64);
      image.put(16, kSize, 8);  // image_size
      image.put(56, "ARM\x64");
      break;
    case Arch::ppc64le: image.put_elf(Image::kPpc64); break;
    case Arch::riscv64: image.put_elf(Image::kRiscv); break;
    case Arch::s390x: break;  // anything is an image
  }
  return std::move(image).release();
}

}  // namespace assay
