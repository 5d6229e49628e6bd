// Laws: a package that is read has a payload that lies in it, ends it, and follows its headers;
// what is cut off anywhere before its payload is no package.

#include "formats/rpm.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const ViewContent content{View({data, size})};
  const auto package = read_rpm(content);
  if (!package) return 0;
  fuzz_check(package->payload.offset + package->payload.size == size, "the payload ends the file");
  fuzz_check(package->payload.offset >= 128, "a lead and two headers");
  const ViewContent cut{View({data, package->payload.offset - 1})};
  fuzz_check(!read_rpm(cut), "a header that is cut");
  for (const RpmFile& file : package->files)
    fuzz_check(file.ima.size() <= size / 2, "a signature from the file");
  return 0;
}
