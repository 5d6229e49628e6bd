// formats/kernel_image.h - the containers a Linux kernel boots from, and the kernel inside them.
//
//   format      recognised by                                     payload
//   bzimage     "HdrS" at 0x202, 0xAA55 at 0x1fe (boot protocol)  payload_offset/_length (0x248)
//   image       arm64 "ARM\x64" at 56; riscv "RSC\x05" at 56      the file itself
//   zboot       "MZ" and "zimg" at 4 (EFI zboot)                  offset at 8, size at 12
//   s390        "S390EP" at 0x10008 (arch/s390 bzImage)           found inside (s390_image.h)
//   vmlinux     64-bit ELF with a kernel's traits (kernel_elf.h)  the file itself
//   compressed  one of the codecs around one of the above (Image.gz)
//
// The payload is never held: it is a stream, decompressed as it is read.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bytes/content.h"
#include "codec/codec.h"
#include "formats/arch.h"

namespace assay {

enum class ImageFormat : std::uint8_t { bzimage, image, zboot, s390, vmlinux };

std::string_view image_format_name(ImageFormat format);

struct KernelImage {
  ImageFormat format;
  std::optional<Arch> arch;            // nothing where the container does not tell
  std::optional<Codec> outer;          // the file as a whole is compressed (Image.gz)
  std::optional<Codec> payload_codec;  // how the kernel inside is compressed; nothing: not at all
  // In the file (in the decompressed file if `outer`: there a size of 0 reaches to its end, which
  // is not known before). Bytes that are not part of the compressed stream may end it.
  Extent payload;
  std::string banner;  // bzImage header: "6.1.0-56-amd64 (debian-kernel@...) #1 SMP ..."
};

// The limits that kernels need.
inline constexpr DecoderOptions kPayloadOptions{.memory_limit = limits::kPayloadDecoderMemory,
                                                .output_limit = limits::kKernelPayload};

// Recognises an image by its headers. Nothing when it is none; an Error when it is one and its
// headers point outside the file.
Result<std::optional<KernelImage>> find_kernel_image(const Content& content);

// The kernel inside, decompressed: an ELF file, a flat binary. `content` outlives the stream.
// `after` is about `outer`; what follows a payload is never looked at.
Result<std::unique_ptr<Stream>> open_payload(const Content& content, const KernelImage& image,
                                             const DecoderOptions& options = kPayloadOptions);

// "6.1.0-56-amd64" of "Linux version 6.1.0-56-amd64 (...)" or of a bzImage's version string.
std::optional<std::string> release_of_banner(std::string_view banner);

}  // namespace assay
