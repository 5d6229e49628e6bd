#include "codec/lzo1x.h"

#include <algorithm>
#include <cstring>

namespace assay {

namespace {

// How many literals followed the last instruction; four or more are all the same.
constexpr unsigned kManyLiterals = 4;

constexpr std::size_t kFarDistance = 16384;  // instructions 16..31 reach beyond this
constexpr std::size_t kEndLength = 3;        // the end mark is one of them: 11 00 00

struct Match {
  std::size_t distance;
  std::size_t length;
  unsigned literals;  // that follow, 0 to 3
};

class Lzo1x {
 public:
  Lzo1x(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) : in_(in), out_(out) {}

  std::optional<std::size_t> run() {
    if (!first_literals()) return std::nullopt;
    while (!damaged_) {
      const unsigned code = byte();
      if (code < 16 && literals_ == 0) {
        const std::size_t size = 3 + (code != 0 ? code : longer(15));
        copy_literals(size);
        literals_ = kManyLiterals;
        continue;
      }
      const Match match = read_match(code);
      // Only the end mark has no distance.
      if (match.distance == 0) return end(match.length);
      copy_match(match);
      copy_literals(match.literals);
      literals_ = match.literals;
    }
    return std::nullopt;
  }

 private:
  // The first byte, when it is greater than 17, stands for a run of literals. 17 announces a
  // version in LZO-RLE; in LZO1X it can only be the end mark of an empty block.
  bool first_literals() {
    if (in_.empty()) return false;
    if (in_[0] <= 17) return true;
    const unsigned count = byte() - 17;
    copy_literals(count);
    literals_ = std::min(count, kManyLiterals);
    return true;
  }

  Match read_match(unsigned code) {
    if (code >= 64) {
      const std::size_t length = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
      const std::size_t distance = (std::size_t{byte()} << 3) + ((code >> 2) & 7) + 1;
      return {distance, length, code & 3};
    }
    if (code >= 32) {
      const std::size_t length = 2 + ((code & 31) != 0 ? code & 31 : longer(31));
      const unsigned operand = two_bytes();
      return {(operand >> 2) + std::size_t{1}, length, operand & 3};
    }
    if (code >= 16) {
      const std::size_t length = 2 + ((code & 7) != 0 ? code & 7 : longer(7));
      const unsigned operand = two_bytes();
      const std::size_t beyond = (std::size_t{code & 8} << 11) + (operand >> 2);
      return {beyond == 0 ? 0 : kFarDistance + beyond, length, operand & 3};
    }
    const std::size_t near = (std::size_t{byte()} << 2) + (code >> 2) + 1;
    if (literals_ == kManyLiterals) return {near + 2048, 3, code & 3};
    return {near, 2, code & 3};
  }

  std::optional<std::size_t> end(std::size_t length) const {
    if (damaged_ || length != kEndLength || in_at_ != in_.size()) return std::nullopt;
    return out_at_;
  }

  unsigned byte() {
    if (in_at_ == in_.size()) {
      damaged_ = true;
      return 0;
    }
    return in_[in_at_++];
  }

  unsigned two_bytes() {
    const unsigned low = byte();
    return low | byte() << 8;
  }

  // A length that did not fit its bits: 255 for each zero byte, and the byte that follows them.
  std::size_t longer(std::size_t length) {
    while (!damaged_) {
      const unsigned next = byte();
      if (next != 0) return length + next;
      length += 255;
    }
    return 0;
  }

  void copy_literals(std::size_t size) {
    if (size > in_.size() - in_at_ || size > out_.size() - out_at_) damaged_ = true;
    if (damaged_ || size == 0) return;
    std::memcpy(&out_[out_at_], &in_[in_at_], size);
    in_at_ += size;
    out_at_ += size;
  }

  // Copies from what was written. A distance shorter than the length repeats its bytes.
  void copy_match(const Match& match) {
    if (match.distance > out_at_ || match.length > out_.size() - out_at_) damaged_ = true;
    if (damaged_) return;
    const std::span<std::uint8_t> from = out_.subspan(out_at_ - match.distance);
    if (match.distance == 1) {
      std::memset(&out_[out_at_], from[0], match.length);
    } else {
      // Each step copies only what is there already, and doubles it.
      std::size_t done = 0;
      while (done < match.length) {
        const std::size_t size = std::min(match.length - done, match.distance + done);
        std::memcpy(&out_[out_at_ + done], from.data(), size);
        done += size;
      }
    }
    out_at_ += match.length;
  }

  std::span<const std::uint8_t> in_;
  std::span<std::uint8_t> out_;
  std::size_t in_at_ = 0;
  std::size_t out_at_ = 0;
  unsigned literals_ = 0;
  bool damaged_ = false;
};

}  // namespace

std::optional<std::size_t> decode_lzo1x(std::span<const std::uint8_t> in,
                                        std::span<std::uint8_t> out) {
  return Lzo1x(in, out).run();
}

}  // namespace assay
