// Laws: what is read twice is the same; no file has more bytes than all that was unpacked; a limit
// is kept.

#include <string>
#include <vector>

#include "sources/initramfs.h"
#include "sources/nest.h"
#include "testing/fuzz.h"

namespace {

using namespace assay;

constexpr std::uint64_t kUnpacked = 16 * limits::kMiB;

struct Names final : SourceVisitor {
  std::vector<std::string> names;
  std::uint64_t size = 0;
  void found(Found found) override {
    names.push_back(found.name + '\n' + std::to_string(found.size));
    size += found.size;
  }
  void failed(Error error) override { names.push_back(describe(error)); }
  void skipped() override {}
};

Names walk(const Content& content) {
  Names names;
  ByteBudget budget(limits::kInFlight);
  const SourceOptions options{budget, 1, {.depth = 2, .members = 1000, .unpacked = kUnpacked}};
  Nest nest(options, names);
  const auto done = walk_initramfs(content, "i", nest);
  if (!done) names.names.push_back(describe(done.error()));
  return names;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ViewContent content{View({data, size})};
  const Names once = walk(content);
  fuzz_check(once.size <= kUnpacked, "files within what may be unpacked");
  fuzz_check(once.names == walk(content).names, "read twice, it is the same");
  return 0;
}
