// bytes/reader.h - the only way this project reads bytes it did not write.
//
// A Reader eats a View from either end. A read succeeds whole, or leaves the Reader as it was and
// names what was missing and where. A fixed header is one such read: a Record<N> is N bytes that
// are known to be there, whose fields are decoded at offsets that the compiler checks.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/result.h"
#include "bytes/view.h"

namespace assay {

template <std::size_t N>
class Record {
 public:
  explicit Record(View view) : where_(view.extent()) {
    std::memcpy(bytes_.data(), view.bytes().data(), N);
  }

  template <std::size_t At>
  std::uint8_t u8() const {
    return static_cast<std::uint8_t>(little<At, 1>());
  }
  template <std::size_t At>
  std::uint16_t le16() const {
    return static_cast<std::uint16_t>(little<At, 2>());
  }
  template <std::size_t At>
  std::uint32_t le32() const {
    return static_cast<std::uint32_t>(little<At, 4>());
  }
  template <std::size_t At>
  std::uint64_t le64() const {
    return little<At, 8>();
  }
  template <std::size_t At>
  std::uint16_t be16() const {
    return static_cast<std::uint16_t>(big<At, 2>());
  }
  template <std::size_t At>
  std::uint32_t be32() const {
    return static_cast<std::uint32_t>(big<At, 4>());
  }
  template <std::size_t At>
  std::uint64_t be64() const {
    return big<At, 8>();
  }

  // A run of bytes inside the record (a name, a digest).
  template <std::size_t At, std::size_t Size>
  std::span<const std::uint8_t, Size> field() const {
    static_assert(At + Size <= N, "field lies outside its record");
    return std::span<const std::uint8_t, N>(bytes_).template subspan<At, Size>();
  }

  Extent extent() const { return where_; }
  // The extent of one field, for error messages.
  template <std::size_t At, std::size_t Size>
  Extent extent_of() const {
    static_assert(At + Size <= N, "field lies outside its record");
    return {where_.offset + At, Size};
  }

 private:
  template <std::size_t At, std::size_t Size>
  std::uint64_t little() const {
    static_assert(At + Size <= N, "field lies outside its record");
    std::uint64_t value = 0;
    for (std::size_t i = Size; i > 0; --i) value = value << 8 | bytes_[At + i - 1];
    return value;
  }
  template <std::size_t At, std::size_t Size>
  std::uint64_t big() const {
    static_assert(At + Size <= N, "field lies outside its record");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < Size; ++i) value = value << 8 | bytes_[At + i];
    return value;
  }

  std::array<std::uint8_t, N> bytes_;
  Extent where_;
};

class Reader {
 public:
  explicit Reader(View view) : left_(view) {}

  // The next `size` bytes, or `missing` with the numbers compared.
  Result<View> take(std::uint64_t size, Reason missing = Reason::truncated);
  // The last `size` bytes of what is left.
  Result<View> take_last(std::uint64_t size, Reason missing = Reason::truncated);

  template <std::size_t N>
  Result<Record<N>> record(Reason missing = Reason::truncated) {
    ASSAY_TRY(View view, take(N, missing));
    return Record<N>(view);
  }
  template <std::size_t N>
  Result<Record<N>> record_last(Reason missing = Reason::truncated) {
    ASSAY_TRY(View view, take_last(N, missing));
    return Record<N>(view);
  }

  // What is not yet taken. rest() empties the Reader, left() does not.
  View rest() { return std::exchange(left_, left_.sub(left_.size(), 0)); }
  View left() const { return left_; }
  bool empty() const { return left_.empty(); }

 private:
  View left_;
};

// The bytes [offset, offset + size) of `whole`, or `outside` with the numbers compared.
Result<View> slice(View whole, std::uint64_t offset, std::uint64_t size,
                   Reason outside = Reason::bad_length);

}  // namespace assay
