// Laws: a folder has as many entries as were asked for, each with its record in the image; a file
// has the size of its pieces.

#include "formats/iso9660.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  constexpr std::uint64_t kMost = 1000;
  const ViewContent content{View({data, size})};
  const auto volume = IsoVolume::open(content);
  if (!volume) return 0;
  if (const auto images = volume->boot_images())
    for (const IsoBootImage& image : *images)
      fuzz_check(lies_inside(image.where.offset, image.where.size, size), "in the image");
  const auto root = volume->folder(volume->root(), kMost);
  if (!root) return 0;
  fuzz_check(root->size() <= kMost, "entries within the limit");
  for (const IsoEntry& entry : *root) {
    fuzz_check(entry.record < entry.next && entry.next <= size, "a record in the image");
    const auto file = volume->file(entry.record);
    if (file && !entry.goes_on) fuzz_check((*file)->size() == entry.size, "the size of the entry");
  }
  return 0;
}
