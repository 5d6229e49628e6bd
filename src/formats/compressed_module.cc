#include "formats/compressed_module.h"

#include <algorithm>

#include "base/nesting_limits.h"

namespace assay {

std::uint64_t largest_module(std::uint64_t compressed_size) {
  const std::uint64_t size = std::min(compressed_size, limits::kLargestModule);
  return std::clamp(size * limits::kModuleExpansion, limits::kSmallModule, limits::kLargestModule);
}

Result<std::unique_ptr<Content>> decompress_module(const Content& stored, Codec codec) {
  const DecoderOptions options{.output_limit = largest_module(stored.size()),
                               .after = AfterStream::refuse};
  ASSAY_TRY(auto stream, open_decoder(codec, std::make_unique<ContentStream>(stored), options));
  return hold(*stream, limits::kArtifactInMemory, limits::kLargestModule);
}

}  // namespace assay
