// Law: what two texts say together is what each says, the later ring in the place of the earlier;
// and nothing is longer than the text it was read from.

#include "platforms/kernel_keys.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const std::string text(data, data + size);
  const std::size_t half = text.find('\n', size / 2);
  const std::string first = half == std::string::npos ? text : text.substr(0, half + 1);
  const std::string second = half == std::string::npos ? "" : text.substr(half + 1);
  const KernelKeys whole = parse_kernel_keys(text);
  KernelKeys joined = parse_kernel_keys(first);
  KernelKeys rest = parse_kernel_keys(second);
  for (const auto& [name, count] : rest.rings) joined.rings.insert_or_assign(name, count);
  joined.certificates.merge(rest.certificates);
  joined.hashes.merge(rest.hashes);
  fuzz_check(whole.rings == joined.rings, "rings of two texts");
  fuzz_check(whole.certificates == joined.certificates, "certificates of two texts");
  fuzz_check(whole.hashes == joined.hashes, "hashes of two texts");
  for (const std::string& description : whole.certificates)
    fuzz_check(description.size() <= size, "a description longer than the text");
  return 0;
}
