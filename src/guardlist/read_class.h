// guardlist/read_class.h - what the kernel reads a file as (enum kernel_read_file_id), and masks of
// it.
//
// include/linux/kernel_read_file.h, 6.1, 6.12 and 7.2; kernel_load_data_id has the same values. 7
// is there since 7.2 alone, for a module that the kernel decompresses; in 6.1 it is none.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

enum class ReadClass : std::uint8_t {
  firmware = 1,
  module = 2,
  kexec_image = 3,
  kexec_initramfs = 4,
  policy = 5,
  x509 = 6,
  module_compressed = 7,
};

std::string_view read_class_name(ReadClass one);  // "kexec-image"
std::optional<ReadClass> find_read_class(std::string_view name);

// Bit n stands for id n.
using ReadMask = std::uint32_t;
constexpr ReadMask mask_of(ReadClass one) { return ReadMask{1} << static_cast<unsigned>(one); }
inline constexpr ReadMask kAllReads = 0xFE;
// One bit at least, and none that stands for nothing.
constexpr bool is_read_mask(ReadMask mask) { return mask != 0 && (mask & ~kAllReads) == 0; }

// "firmware,module", in the order of the ids.
std::string read_mask_text(ReadMask mask);
// Nothing where it is not spelled so: an unknown name, another order, twice the same, none at all.
std::optional<ReadMask> parse_read_mask(std::string_view text);

}  // namespace assay
