// Law: whatever files.json says, no path leads out of the folder of its package.

#include <filesystem>

#include "bytes/view.h"
#include "edit/debian_files.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const auto files = parse_debian_files(View({data, size}).text());
  if (!files) {
    fuzz_check(files.error().reason == Reason::bad_record, "one reason");
    return 0;
  }
  for (const auto& [package, what] : *files)
    for (const auto& [file, kind] : what.files) {
      const std::string below = "/root/" + package + '/';
      const std::string path = std::filesystem::path(below + file).lexically_normal().native();
      fuzz_check(path == below + file, "paths lead down");
    }
  return 0;
}
