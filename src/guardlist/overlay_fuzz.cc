// Law: an overlay that parses is written as the bytes it was read from, and is cut from whatever is
// appended to it.

#include <algorithm>

#include "guardlist/overlay.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View file({data, size});
  const auto parts = split_overlay(file);
  if (!parts) return 0;
  fuzz_check(parts->data.size() + parts->signature.size() <= size, "parts outside of the file");
  const auto overlay = parse_overlay(parts->data);
  if (!overlay) return 0;
  const auto again = write_overlay(*overlay);
  fuzz_check(again.has_value(), "what parses cannot be written");
  fuzz_check(std::ranges::equal(*again, parts->data.bytes()), "it is written as other bytes");
  return 0;
}
