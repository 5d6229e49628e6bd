#include "bytes/runs_content.h"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

Result<void> RunsContent::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (!lies_inside(offset, out.size(), size_))
    return fail(Reason::bad_length, {offset, out.size()},
                fmt::format("bytes [{}, +{}) wanted of {}", offset, out.size(), size_));
  // The last run that starts at or before `offset`.
  auto run = std::ranges::upper_bound(runs_, offset, {}, &Run::start);
  if (run != runs_.begin()) --run;
  while (!out.empty()) {
    while (run != runs_.end() && offset >= run->start && offset - run->start >= run->size) ++run;
    const bool is_inside = run != runs_.end() && offset >= run->start;
    const std::uint64_t left = is_inside            ? run->size - (offset - run->start)
                               : run != runs_.end() ? run->start - offset
                                                    : size_ - offset;
    const auto piece = out.first(std::min<std::uint64_t>(out.size(), left));
    if (is_inside && run->offset) {
      const std::uint64_t from = *run->offset + (offset - run->start);
      if (from < *run->offset)
        return fail(Reason::bad_length, {*run->offset, run->size}, "beyond all offsets");
      ASSAY_CHECK(image_.read(from, piece));
    } else {
      std::fill(piece.begin(), piece.end(), std::uint8_t{0});
    }
    offset += piece.size();
    out = out.subspan(piece.size());
  }
  return {};
}

}  // namespace assay
