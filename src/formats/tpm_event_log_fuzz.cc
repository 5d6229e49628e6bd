// Laws: events lie one after the other up to the end of the log, each with a digest of each bank,
// of its size; and what is cut off is missed.

#include "formats/tpm_event_log.h"

#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View bytes(std::span(data, size));
  const auto log = parse_tpm_event_log(bytes);
  if (!log) {
    fuzz_check(log.error().where.end() <= size, "an error outside of the log");
    return 0;
  }
  std::uint64_t digests = 0;
  for (const TpmBank& bank : log->banks) digests += bank.digest_size;
  std::uint64_t end = 0;
  for (const TpmEvent& event : log->events) {
    fuzz_check(event.digests.size() == log->banks.size(), "a bank without a digest");
    std::uint64_t own = 0;
    for (const View digest : event.digests) own += digest.size();
    fuzz_check(own == digests, "digests of other sizes");
    fuzz_check(event.data.origin() >= end, "events overlap");
    end = event.data.extent().end();
  }
  fuzz_check(log->events.empty() || end == size, "bytes behind the last event");
  fuzz_check(size == 0 || !parse_tpm_event_log(bytes.sub(0, size - 1)), "a log that is cut off");
  return 0;
}
