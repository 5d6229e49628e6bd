#include "sources/standard_input.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/limits.h"

namespace assay {

namespace {

class InputStream final : public Stream {
 public:
  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    for (;;) {
      const ssize_t got = ::read(STDIN_FILENO, out.data(), out.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return fail(Reason::cannot_read, {}, std::strerror(errno));
    }
  }
};

}  // namespace

void walk_standard_input(const SourceOptions& options, SourceVisitor& visitor) {
  Found found;
  found.name = kStandardInput;
  found.inner_name = kStandardInput;
  found.lease = options.budget.take(limits::kArtifactInMemory);
  InputStream input;
  auto held = hold(input, limits::kArtifactInMemory, limits::kArtifactSize);
  if (!held) return visitor.failed(with_path(std::move(held).error(), kStandardInput));
  found.content = std::move(*held);
  found.size = found.content->size();
  visitor.found(std::move(found));
}

}  // namespace assay
