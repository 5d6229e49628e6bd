// Law: what the trailer divides a file into is the file again.

#include "formats/appended_signature.h"

#include <vector>

#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const View file({data, size});
  const auto trailer = read_signature_trailer(ViewContent(file));
  fuzz_check(trailer.has_value(), "every file has a trailer or none");
  fuzz_check(trailer->file_size == size, "the size");
  fuzz_check(trailer->has_marker == file.text().ends_with(kSignatureMarker), "the marker");
  fuzz_check(!trailer->block || trailer->has_marker, "a block without a marker");
  fuzz_check(!trailer->splits || trailer->block, "a division without a block");
  if (!trailer->splits) return 0;
  std::vector<std::uint8_t> joined;
  for (const Extent part : {Extent{0, trailer->payload_size}, trailer->signature_extent(),
                            trailer->block_extent(), trailer->marker_extent()}) {
    fuzz_check(part.offset == joined.size(), "the parts follow each other");
    fuzz_check(lies_inside(part.offset, part.size, size), "a part lies outside");
    const auto bytes = file.sub(part.offset, part.size).bytes();
    joined.insert(joined.end(), bytes.begin(), bytes.end());
  }
  fuzz_check(same_bytes(View(joined), file), "the parts together are the file");
  fuzz_check(trailer->signature_extent().size == trailer->block->sig_len, "sig_len");
  return 0;
}
