// Law: parse_certificate sees the places that the kernel's decoder sees, and accepts what it
// accepts; a Name is printed as one line whatever is in it.

#include "formats/x509.h"
#include "testing/agreement.h"
#include "testing/fuzz.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, most);
  return assay::fuzz_mutate_ber(data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const assay::View view({data, size});
  const std::string difference = assay::compare_certificate(view);
  assay::fuzz_check(difference.empty(), difference);
  const assay::Certificate certificate = assay::parse_certificate(view);
  for (const assay::View name : {view, certificate.subject, certificate.issuer})
    assay::fuzz_check(assay::name_text(name).find('\n') == std::string::npos,
                      "a Name of two lines");
  return 0;
}
