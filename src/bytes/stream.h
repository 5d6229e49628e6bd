// bytes/stream.h - bytes that arrive in order and once: a file, a member of an archive, the output
// of a decompressor. Streams are pulled and stack up: tar over xz over ar over file.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay {

class Stream {
 public:
  virtual ~Stream() = default;

  // Fills the front of `out` and says how many bytes it filled. 0 is the end, and stays the end.
  // Requires that `out` is not empty. After an Error the stream is not read again.
  virtual Result<std::size_t> read(std::span<std::uint8_t> out) = 0;
};

// Fills `out` as far as the stream reaches; less than out.size() only at its end.
Result<std::size_t> read_full(Stream& stream, std::span<std::uint8_t> out);

// The whole stream, at most `limit` bytes; beyond that limit_size.
Result<std::vector<std::uint8_t>> read_all(Stream& stream, std::uint64_t limit);

// Reads and drops `count` bytes; says how many there were.
Result<std::uint64_t> skip(Stream& stream, std::uint64_t count);

// Over bytes that outlive the stream.
class ViewStream final : public Stream {
 public:
  explicit ViewStream(View view) : left_(view) {}
  Result<std::size_t> read(std::span<std::uint8_t> out) override;

 private:
  View left_;
};

}  // namespace assay
