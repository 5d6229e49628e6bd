// Law: parse_cms sees the places that the kernel's decoder sees, and accepts what it accepts.

#include "testing/agreement.h"
#include "testing/fuzz.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, most);
  return assay::fuzz_mutate_ber(data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string difference = assay::compare_cms(assay::View({data, size}));
  assay::fuzz_check(difference.empty(), difference);
  return 0;
}
