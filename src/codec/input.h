// codec/input.h - the compressed bytes that a decoder pulls: buffered, and counted for error
// messages.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "bytes/stream.h"

namespace assay {

class Input {
 public:
  // The largest piece that at_least() can promise: one block of lzop, the largest a decoder asks
  // for.
  static constexpr std::size_t kBufferSize = 256 * limits::kKiB;

  explicit Input(std::unique_ptr<Stream> stream)
      : stream_(std::move(stream)), buffer_(kBufferSize) {}

  // The bytes at hand; reads when there are none. Empty is the end.
  Result<std::span<const std::uint8_t>> some();
  // At least `size` bytes, fewer only at the end. Requires size <= kBufferSize.
  Result<std::span<const std::uint8_t>> at_least(std::size_t size);
  // Marks bytes that some() or at_least() showed as used.
  void skip(std::size_t size) { begin_ += size; }

  // Fills `out` and uses what it read; less than out.size() only at the end.
  Result<std::size_t> read(std::span<std::uint8_t> out);

  // Where the next unused byte lies in the compressed data.
  std::uint64_t offset() const { return end_offset_ - (end_ - begin_); }

 private:
  std::span<const std::uint8_t> at_hand() const {
    return std::span(buffer_).subspan(begin_, end_ - begin_);
  }

  std::unique_ptr<Stream> stream_;
  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;  // unused bytes are [begin_, end_) of buffer_
  std::size_t end_ = 0;
  std::uint64_t end_offset_ = 0;  // where end_ lies in the compressed data
};

// `from` to the front of `to`. (std::ranges::copy of libstdc++ 12 copies spans byte by byte.)
inline void copy_bytes(std::span<const std::uint8_t> from, std::span<std::uint8_t> to) {
  std::copy(from.begin(), from.end(), to.begin());
}

// stream_followed unless the input has ended. Reads the rest to say how much there is.
Result<void> check_no_more(Input& input);

// Failures that name the place that was reached in the compressed data.
std::unexpected<Error> fail_at(Reason reason, const Input& input, std::string detail = {});

}  // namespace assay
