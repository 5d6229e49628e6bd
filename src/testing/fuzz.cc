#include "testing/fuzz.h"

#include <algorithm>
#include <span>

#include "testing/mutate.h"

namespace assay {

std::size_t fuzz_mutate_ber(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  Random random(seed);
  const auto changed = mutate_ber(std::span(data, size), random);
  const std::size_t kept = std::min(changed.size(), most);
  std::copy_n(changed.begin(), kept, data);
  return kept;
}

}  // namespace assay
