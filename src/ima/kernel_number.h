// ima/kernel_number.h - numbers and UUIDs in text, read as the kernel reads them.
//
// Mirrors lib/kstrtox.c and lib/uuid.c. They are stricter than strtoul (nothing may follow) and
// looser (a plus sign, 0x before hexadecimal digits).

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay {

struct KernelNumber {
  enum class Fault : std::uint8_t { none, not_a_number, too_large };
  Fault fault = Fault::not_a_number;
  std::uint64_t value = 0;
};

// kstrtoul of a 64-bit kernel. Base 10 or 16.
KernelNumber parse_kernel_ulong(std::string_view text, unsigned base);

// kstrtoint, base 10.
std::optional<int> parse_kernel_int(std::string_view text);

// uuid_parse: the first 36 characters.
std::optional<std::array<std::uint8_t, 16>> parse_kernel_uuid(std::string_view text);

}  // namespace assay
