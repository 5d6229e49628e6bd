// Law: what is read is written such that it reads the same.

#include "bytes/view.h"
#include "edit/signing_requests.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const auto requests = parse_requests(View({data, size}).text());
  if (!requests) {
    fuzz_check(requests.error().reason == Reason::bad_record, "one reason");
    return 0;
  }
  const std::string text = write_requests(*requests);
  const auto again = parse_requests(text);
  fuzz_check(again.has_value(), "what is written reads");
  fuzz_check(again->requests.size() == requests->requests.size(), "all of it");
  fuzz_check(write_requests(*again) == text, "in one spelling");
  return 0;
}
