// Law: what is excised from any file, and put back, is the file.

#include "edit/excise.h"

#include <vector>

#include "edit/attach.h"
#include "testing/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const std::vector<std::uint8_t> file(data, data + size);
  const auto artifact = make_artifact("file", file);
  fuzz_check(artifact.has_value(), "bytes are an artifact");
  for (const ExciseOptions& options : {ExciseOptions{}, ExciseOptions{.last_only = true},
                                       ExciseOptions{.entry = 0}, ExciseOptions{.entry = 1}}) {
    const auto edited = excise(*artifact, options);
    if (!edited || !*edited) continue;
    std::vector<std::uint8_t> bare((*edited)->stored->size());
    fuzz_check((*edited)->stored->read(0, bare).has_value(), "the result can be read");
    const auto back = attach_record(*make_artifact("file", bare), (*edited)->record);
    fuzz_check(back.has_value(), "the record fits");
    const auto same = same_content(*back->stored, *artifact->stored);
    fuzz_check(same && *same, "the file is back");
  }
  return 0;
}
