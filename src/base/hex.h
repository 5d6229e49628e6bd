// base/hex.h - bytes as hexadecimal text and back.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

enum class HexCase : std::uint8_t { lower, upper };

constexpr char hex_digit(int value, HexCase letters = HexCase::lower) {
  return (letters == HexCase::upper ? "0123456789ABCDEF" : "0123456789abcdef")[value & 15];
}

// 0 to 15, or -1 for a character that is no hexadecimal digit.
constexpr int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// Two lower-case digits a byte.
std::string to_hex(std::span<const std::uint8_t> bytes);

// The bytes, or nothing when `text` has an odd length or a character that is no digit.
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);

}  // namespace assay
