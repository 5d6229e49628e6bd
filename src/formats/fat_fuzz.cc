// Laws: a file that is opened has the size that its entry says, and its bytes lie in the image or
// it cannot be read; a folder has as many entries as were asked for.

#include "formats/fat.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  constexpr std::uint64_t kMost = 1000;
  const ViewContent content{View({data, size})};
  const auto volume = FatVolume::open(content);
  if (!volume) return 0;
  const auto root = volume->root(kMost);
  if (!root) return 0;
  fuzz_check(root->size() <= kMost, "entries within the limit");
  for (const FatEntry& entry : *root) {
    if (entry.is_folder) {
      const auto folder = volume->folder(entry.cluster, kMost);
      fuzz_check(!folder || folder->size() <= kMost, "entries within the limit");
      continue;
    }
    const auto file = volume->file(entry.cluster, entry.size);
    if (!file) continue;
    fuzz_check((*file)->size() == entry.size, "the size of the entry");
    std::vector<std::uint8_t> last(1);
    if (entry.size != 0 && (*file)->read(entry.size - 1, last))
      fuzz_check(entry.size <= size + 32768, "a file that lies in the image");
  }
  return 0;
}
