#include "base/name.h"

#include <cstdint>

#include "base/hex.h"

namespace assay {

namespace {

// U+2000 to U+203F by the last byte of their UTF-8.
bool is_control_of_2000(std::uint8_t last) {
  return last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE);
}

// The number of bytes of the well-formed UTF-8 sequence at the start of `text` (Unicode 15, table
// 3-7), or 0. Also 0 for what is not seen but changes what is: the C1 controls (U+0080 to U+009F),
// which terminals obey, U+2028 and U+2029, which some readers take for the end of a line, and the
// controls of direction (UAX #9, 2: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
std::size_t printable_sequence(std::string_view text) {
  auto at = [&](std::size_t i) -> std::uint8_t {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0;
  };
  auto continues = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
  const std::uint8_t first = at(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  if (first >= 0xC2 && first <= 0xDF) {
    if (!continues(1) || (first == 0xC2 && at(1) < 0xA0)) return 0;
    if (first == 0xD8 && at(1) == 0x9C) return 0;
    return 2;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (first == 0xE0 && at(1) < 0xA0) return 0;
    if (first == 0xED && at(1) > 0x9F) return 0;
    if (first == 0xE2 && at(1) == 0x80 && is_control_of_2000(at(2))) return 0;
    if (first == 0xE2 && at(1) == 0x81 && at(2) >= 0xA6 && at(2) <= 0xA9) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (first == 0xF0 && at(1) < 0x90) return 0;
    if (first == 0xF4 && at(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::string encode_name(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t size = printable_sequence(bytes);
    if (size == 0 || bytes[0] == '!' || bytes[0] == '%') {
      const auto byte = static_cast<std::uint8_t>(bytes[0]);
      text += '%';
      text += hex_digit(byte >> 4, HexCase::upper);
      text += hex_digit(byte & 15, HexCase::upper);
      bytes.remove_prefix(1);
    } else {
      text += bytes.substr(0, size);
      bytes.remove_prefix(size);
    }
  }
  return text;
}

std::string decode_name(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        bytes += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    bytes += text[i];
  }
  return bytes;
}

std::string nested_name(std::string_view outer, std::string_view inner) {
  std::string name(outer);
  if (!name.empty()) name += '!';
  return name + encode_name(inner);
}

}  // namespace assay
