// Law: what is read is written such that it reads the same.

#include <string_view>

#include "edit/record.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const auto record = parse_record(View({data, size}).text());
  if (!record) {
    fuzz_check(record.error().reason == Reason::bad_record, "one reason");
    return 0;
  }
  const std::string text = write_record(*record);
  const auto again = parse_record(text);
  fuzz_check(again.has_value(), "what is written reads");
  fuzz_check(*again == *record, "and is the same");
  fuzz_check(write_record(*again) == text, "in one spelling");
  return 0;
}
