// Laws: a folder has no more entries than were asked for; what can be read of a file can be read
// twice the same; no link is longer than a path.

#include "bytes/content.h"
#include "sources/erofs_volume.h"
#include "sources/test_volume_laws.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const assay::ViewContent content{assay::View({data, size})};
  if (const auto volume = assay::ErofsVolume::open(content)) assay::fuzz_volume(*volume);
  return 0;
}
