// Law: an expectation that is written reads as itself, and what is written of it then is the same.

#include "expect/expectation_file.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const auto expectation = parse_expectation(std::string(data, data + size));
  if (!expectation) return 0;
  const std::string text = write_expectation(*expectation);
  const auto again = parse_expectation(text);
  fuzz_check(again.has_value(), "what was written is not read");
  fuzz_check(*again == *expectation, "what was written reads otherwise");
  fuzz_check(write_expectation(*again) == text, "written twice it differs");
  return 0;
}
