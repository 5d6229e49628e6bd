// formats/kexec_image.h - what the kexec_file_load loaders of all architectures look at in a file.
//
// Fields are read where the file has the bytes for them; which loader is asked, and what it makes
// of them, is for judge/kexec.h.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "bytes/content.h"

namespace assay {

// Documentation/arch/x86/boot.rst: the setup header of a bzImage.
struct BzImageHeader {
  std::uint8_t setup_sectors;  // offset 0x1f1
  std::uint16_t boot_flag;     // 0x1fe
  std::uint32_t magic;         // 0x202 "HdrS"
  std::uint16_t version;       // 0x206
  std::uint8_t load_flags;     // 0x211
  std::uint16_t extra_flags;   // 0x236 xloadflags
};

// Documentation/arch/arm64/booting.rst, riscv/boot-image-header.rst: 64 bytes.
struct ImageHeader {
  std::uint64_t image_size;  // 16
  std::uint32_t version;     // 32, RISC-V
  std::uint32_t magic2;      // 56: "ARM\x64" or "RSC\x05"
};

// kernel/kexec_elf.c: what is wrong with a file as a 64-bit ELF executable, if anything.
struct KexecElf {
  std::string fault;  // empty: nothing
  bool has_magic = false;
  bool is_64_bit = false;
  unsigned type = 0;
  unsigned machine = 0;
  unsigned program_headers = 0;
};

struct KexecImage {
  std::uint64_t size = 0;
  std::optional<BzImageHeader> bzimage;  // from two sectors on
  std::optional<ImageHeader> image;      // from 64 bytes on
  KexecElf elf;
  // arch/s390/include/asm/setup.h: max_command_line_size of the parameter area.
  std::optional<std::uint64_t> s390_max_command_line;
};

Result<KexecImage> read_kexec_image(const Content& content);

}  // namespace assay
