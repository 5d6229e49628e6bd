// Laws: a folder has no more entries than were asked for; what can be read of a file can be read
// twice the same; no attribute is longer than the limit.

#include "base/nesting_limits.h"
#include "bytes/content.h"
#include "sources/squash_volume.h"
#include "sources/test_volume_laws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const assay::ViewContent content{assay::View({data, size})};
  if (const auto volume = assay::SquashVolume::open(content)) assay::fuzz_volume(**volume);
  return 0;
}
