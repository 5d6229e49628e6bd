// Law: a signature that is written again is the attribute again.

#include "formats/ima_xattr.h"

#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View bytes({data, size});
  const ImaXattr xattr = read_ima_xattr(bytes);
  fuzz_check(size == 0 || xattr.type == data[0], "the type");
  fuzz_check(xattr.signature.has_value() == (size > kImaSignatureHeaderSize), "a signature");
  if (!xattr.signature) return 0;
  const auto written = write_ima_signature(static_cast<ImaXattrType>(xattr.type), *xattr.signature);
  fuzz_check(same_bytes(View(written), bytes), "the attribute again");
  return 0;
}
