#include "bytes/reader.h"

#include <fmt/format.h>

namespace assay {

namespace {

std::unexpected<Error> short_of(Reason missing, View left, std::uint64_t size) {
  return fail(missing, left.extent(), fmt::format("{} bytes needed, {} left", size, left.size()));
}

}  // namespace

Result<View> Reader::take(std::uint64_t size, Reason missing) {
  if (size > left_.size()) return short_of(missing, left_, size);
  const View taken = left_.sub(0, size);
  left_ = left_.sub(size, left_.size() - size);
  return taken;
}

Result<View> Reader::take_last(std::uint64_t size, Reason missing) {
  if (size > left_.size()) return short_of(missing, left_, size);
  const View taken = left_.sub(left_.size() - size, size);
  left_ = left_.sub(0, left_.size() - size);
  return taken;
}

Result<View> slice(View whole, std::uint64_t offset, std::uint64_t size, Reason outside) {
  if (!lies_inside(offset, size, whole.size()))
    return fail(outside, whole.extent(),
                fmt::format("bytes [{}, +{}) wanted of {}", offset, size, whole.size()));
  return whole.sub(offset, size);
}

}  // namespace assay
