#include "codec/input.h"

#include <fmt/format.h>

#include <utility>

namespace assay {

Result<std::span<const std::uint8_t>> Input::some() { return at_least(1); }

Result<std::span<const std::uint8_t>> Input::at_least(std::size_t size) {
  if (end_ - begin_ >= size) return at_hand();
  if (begin_ != 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= std::exchange(begin_, 0);
  }
  while (end_ < size) {
    ASSAY_TRY(const std::size_t got, stream_->read(std::span(buffer_).subspan(end_)));
    if (got == 0) break;
    end_ += got;
    end_offset_ += got;
  }
  return at_hand();
}

Result<std::size_t> Input::read(std::span<std::uint8_t> out) {
  const std::size_t held = std::min(out.size(), end_ - begin_);
  copy_bytes(at_hand().first(held), out);
  begin_ += held;
  if (held == out.size()) return held;
  ASSAY_TRY(const std::size_t got, read_full(*stream_, out.subspan(held)));
  end_offset_ += got;
  return held + got;
}

Result<void> check_no_more(Input& input) {
  const std::uint64_t end = input.offset();
  for (;;) {
    ASSAY_TRY(const std::span<const std::uint8_t> rest, input.some());
    if (rest.empty()) break;
    input.skip(rest.size());
  }
  const std::uint64_t size = input.offset() - end;
  if (size == 0) return {};
  return fail(Reason::stream_followed, {end, size},
              fmt::format("{} bytes after the end of the stream", size));
}

std::unexpected<Error> fail_at(Reason reason, const Input& input, std::string detail) {
  return fail(reason, {input.offset(), 0}, std::move(detail));
}

}  // namespace assay
