#include "formats/is_der.h"

#include "formats/ber.h"

namespace assay {

namespace {

// What the content of these is to look like (X.690, 8.3.2, 11.1, 11.2).
bool is_der_value(std::uint8_t tag, View value) {
  switch (tag) {
    case ber::kBoolean: return value.size() == 1 && (value[0] == 0 || value[0] == 0xFF);
    case ber::kInteger: {
      if (value.empty()) return false;
      const bool repeats_sign = value.size() > 1 && ((value[0] == 0 && value[1] < 0x80) ||
                                                     (value[0] == 0xFF && value[1] >= 0x80));
      return !repeats_sign;
    }
    case ber::kBitString: {
      if (value.empty() || value[0] > 7 || (value.size() == 1 && value[0] != 0)) return false;
      return (value[value.size() - 1] & ((1U << value[0]) - 1)) == 0 || value.size() == 1;
    }
    default: return true;
  }
}

bool is_der_below(View bytes, int depth) {
  constexpr int kMostDeep = 48;
  if (depth > kMostDeep) return false;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t left = bytes.size() - at;
    if (left < 2) return false;
    const std::uint8_t tag = bytes[at];
    if ((tag & 0x1F) == 0x1F) return false;
    const std::uint8_t first = bytes[at + 1];
    std::size_t header = 2;
    std::size_t size = first;
    if (first >= 0x80) {
      const std::size_t octets = first & 0x7F;
      if (octets == 0 || octets > 2 || left < 2 + octets) return false;
      size = 0;
      for (std::size_t i = 0; i < octets; ++i) size = size << 8 | bytes[at + 2 + i];
      if (size < 0x80 || (octets == 2 && size < 0x100)) return false;
      header += octets;
    }
    if (size > left - header) return false;
    if (!is_der_value(tag, bytes.sub(at + header, size))) return false;
    if ((tag & ber::kConstructed) != 0 && !is_der_below(bytes.sub(at + header, size), depth + 1))
      return false;
    at += header + size;
  }
  return true;
}

}  // namespace

bool is_der(View bytes) { return is_der_below(bytes, 0); }

}  // namespace assay
