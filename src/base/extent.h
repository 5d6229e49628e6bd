// base/extent.h - where in an artifact: the bytes [offset, offset + size).

#pragma once

#include <cstdint>

namespace assay {

// Offsets count from the start of the artifact that is being read (after decompression, when the
// artifact was compressed). An extent of size 0 names a place between two bytes.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  std::uint64_t end() const { return offset + size; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

// True when [offset, offset + size) lies inside a thing of `whole` bytes. The only place where an
// untrusted offset and size are compared with what is there; it never adds before it compares.
constexpr bool lies_inside(std::uint64_t offset, std::uint64_t size, std::uint64_t whole) {
  return offset <= whole && size <= whole - offset;
}

}  // namespace assay
