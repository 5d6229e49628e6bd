// Any file is no image, an error, or an image whose payload lies inside and can be read to its end
// or to damage.

#include <cstdlib>

#include "bytes/reader.h"
#include "formats/kernel_image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const ViewContent content{View(std::span(data, size))};
  const auto found = find_kernel_image(content);
  if (!found || !*found) return 0;
  const KernelImage& image = **found;
  if (!image.outer && !lies_inside(image.payload.offset, image.payload.size, size)) std::abort();
  if (!image.outer && !image.payload_codec && image.payload.size == 0) std::abort();
  DecoderOptions options = kPayloadOptions;
  options.output_limit = limits::kMiB;
  const auto stream = open_payload(content, image, options);
  if (!stream) return 0;
  const auto bytes = read_all(**stream, 2 * limits::kMiB);
  if (bytes && bytes->size() > options.output_limit && (image.outer || image.payload_codec))
    std::abort();
  release_of_banner(image.banner);
  return 0;
}
