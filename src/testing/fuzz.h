// testing/fuzz.h - what the libFuzzer targets share.

#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace assay {

// Ends the program, which libFuzzer records together with its input, where a law does not hold.
inline void fuzz_check(bool holds, std::string_view law) {
  if (holds) return;
  std::fprintf(stderr, "%.*s\n", static_cast<int>(law.size()), law.data());
  std::abort();
}

// For LLVMFuzzerCustomMutator: one change that knows of elements (testing/mutate.h), in place.
std::size_t fuzz_mutate_ber(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed);

}  // namespace assay
