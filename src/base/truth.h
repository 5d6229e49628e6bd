// base/truth.h - yes, no, or not known. Not known is never read as either.

#pragma once

#include <cstdint>

namespace assay {

enum class Truth : std::uint8_t { no, yes, unknown };

constexpr Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

constexpr Truth operator!(Truth value) {
  return value == Truth::unknown ? value : truth(value == Truth::no);
}

// Kleene's tables: a known operand that decides hides an unknown one.
constexpr Truth operator&&(Truth a, Truth b) {
  if (a == Truth::no || b == Truth::no) return Truth::no;
  return a == Truth::yes && b == Truth::yes ? Truth::yes : Truth::unknown;
}

constexpr Truth operator||(Truth a, Truth b) { return !(!a && !b); }

}  // namespace assay
