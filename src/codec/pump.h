// codec/pump.h - a decoder whose library is fed pieces of input and fills pieces of output.
//
// The loop is the same for zlib, libbz2, liblzma, libzstd and LZ4F. The library writes straight
// into the caller's buffer.

#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "bytes/stream.h"
#include "codec/codec.h"
#include "codec/decoders.h"
#include "codec/input.h"

namespace assay {

struct Step {
  std::size_t consumed;
  std::size_t produced;
  bool ended;  // the member (gzip), stream (bzip2, xz) or frame (zstd, lz4) is complete
};

struct Fault {
  Reason reason;
  std::string detail = {};
  std::size_t consumed = 0;  // up to where the damage is
};

// Library: Result<void> begin(Input&) before each member; std::expected<Step, Fault> step(in, out),
// where an empty `in` says that the input has ended.
template <class Library>
class Pump final : public DecodingStream {
 public:
  Pump(Input input, AfterStream after) : input_(std::move(input)), after_(after) {}

  Library& library() { return library_; }

  std::uint64_t input_offset() const override { return input_.offset(); }

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    out = out.first(std::min(out.size(), kPiece));
    if (damage_) return std::unexpected(*damage_);
    std::size_t filled = 0;
    while (state_ != State::ended && filled < out.size()) {
      if (state_ == State::between) ASSAY_CHECK(begin_member());
      ASSAY_TRY(const std::span<const std::uint8_t> in, input_.some());
      const auto step = library_.step(in, out.subspan(filled));
      input_.skip(step ? step->consumed : step.error().consumed);
      if (step) filled += step->produced;
      Result<void> done;
      if (!step)
        done = fail_at(step.error().reason, input_, step.error().detail);
      else if (step->ended)
        done = end_member();
      else
        done = check_progress(*step, in.empty());
      if (done) continue;
      // What came before the damage is handed out first.
      if (filled == 0) return std::unexpected(std::move(done).error());
      damage_ = std::move(done).error();
      break;
    }
    return filled;
  }

 private:
  enum class State : std::uint8_t { between, inside, ended };
  static constexpr std::size_t kPiece = 256 * limits::kKiB;
  // liblzma may return once without progress and says LZMA_BUF_ERROR the second time.
  static constexpr int kStalls = 2;

  Result<void> begin_member() {
    ASSAY_CHECK(library_.begin(input_));
    state_ = State::inside;
    return {};
  }

  Result<void> check_progress(const Step& step, bool input_ended) {
    const bool stalled = step.consumed == 0 && step.produced == 0;
    stalls_ = stalled ? stalls_ + 1 : 0;
    if (stalled && input_ended) return fail_at(Reason::stream_truncated, input_);
    if (stalls_ > kStalls)
      return fail_at(Reason::stream_corrupt, input_, "the decoder makes no progress");
    return {};
  }

  Result<void> end_member() {
    state_ = State::ended;
    if (after_ == AfterStream::ignore) return {};
    if (after_ == AfterStream::refuse) return check_no_more(input_);
    ASSAY_TRY(const std::span<const std::uint8_t> in, input_.some());
    if (!in.empty()) state_ = State::between;
    return {};
  }

  Input input_;
  AfterStream after_;
  State state_ = State::between;
  int stalls_ = 0;
  std::optional<Error> damage_;
  Library library_;
};

}  // namespace assay
