// bytes/view.h - a piece of an artifact: its bytes, and where they lie in it.
//
// Views own nothing and are cut from other Views; whoever holds the bytes (bytes/content.h, or a
// buffer of the caller) outlives them all.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/extent.h"

namespace assay {

class View {
 public:
  constexpr View() = default;
  constexpr explicit View(std::span<const std::uint8_t> bytes, std::uint64_t origin = 0)
      : bytes_(bytes), origin_(origin) {}

  constexpr std::span<const std::uint8_t> bytes() const { return bytes_; }
  constexpr std::size_t size() const { return bytes_.size(); }
  constexpr bool empty() const { return bytes_.empty(); }
  // Offset of the first byte in the artifact.
  constexpr std::uint64_t origin() const { return origin_; }
  constexpr Extent extent() const { return {origin_, bytes_.size()}; }

  // Requires index < size().
  constexpr std::uint8_t operator[](std::size_t index) const { return bytes_[index]; }

  // Requires that the range lies inside. Readers of untrusted lengths use Reader instead.
  constexpr View sub(std::size_t offset, std::size_t size) const {
    return View(bytes_.subspan(offset, size), origin_ + offset);
  }

  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::uint64_t origin_ = 0;
};

// Equality of content; where the bytes lie does not count.
inline bool same_bytes(View a, View b) { return std::ranges::equal(a.bytes(), b.bytes()); }

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace assay
