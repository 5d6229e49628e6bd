#include "ima/kernel_number.h"

#include <limits>

#include "base/hex.h"

namespace assay {

namespace {

// _kstrtoull: too large is said before what follows the digits is looked at.
KernelNumber parse_unsigned(std::string_view text, unsigned base) {
  if (base == 16 && text.size() >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
    text.remove_prefix(2);
  std::uint64_t value = 0;
  bool too_large = false;
  std::size_t count = 0;
  for (; count < text.size(); ++count) {
    const int digit = hex_value(text[count]);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) break;
    const auto add = static_cast<std::uint64_t>(digit);
    if (value > (std::numeric_limits<std::uint64_t>::max() - add) / base) too_large = true;
    value = value * base + add;
  }
  if (too_large) return {KernelNumber::Fault::too_large, 0};
  if (count == 0) return {};
  text.remove_prefix(count);
  if (text.starts_with('\n')) text.remove_prefix(1);
  if (!text.empty()) return {};
  return {KernelNumber::Fault::none, value};
}

}  // namespace

KernelNumber parse_kernel_ulong(std::string_view text, unsigned base) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return parse_unsigned(text, base);
}

std::optional<int> parse_kernel_int(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const KernelNumber number = parse_unsigned(text, 10);
  const std::uint64_t limit = negative ? 0x80000000U : 0x7FFFFFFFU;
  if (number.fault != KernelNumber::Fault::none || number.value > limit) return std::nullopt;
  const auto value = static_cast<std::int64_t>(number.value);
  return static_cast<int>(negative ? -value : value);
}

std::optional<std::array<std::uint8_t, 16>> parse_kernel_uuid(std::string_view text) {
  constexpr std::size_t kLength = 36;
  if (text.size() < kLength) return std::nullopt;
  std::array<std::uint8_t, 16> uuid{};
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < kLength; ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int digit = hex_value(text[i]);
    if (digit < 0) return std::nullopt;
    uuid[nibble / 2] = static_cast<std::uint8_t>(uuid[nibble / 2] << 4 | digit);
    ++nibble;
  }
  return uuid;
}

}  // namespace assay
