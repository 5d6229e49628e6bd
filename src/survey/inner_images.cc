#include "survey/inner_images.h"

#include "base/limits.h"
#include "base/name.h"

namespace assay {

namespace {

// A unified kernel image, its .linux, the Image in that.
constexpr int kDepth = 3;

// The Image, decompressed; nothing where the file as a whole is the image.
Result<std::unique_ptr<Content>> open_image(const Examined& outer, const Content& content) {
  const KernelImage& image = *outer.image;
  std::unique_ptr<Stream> stream;
  if (image.outer) {
    DecoderOptions options = kPayloadOptions;
    options.after = AfterStream::ignore;
    ASSAY_TRY(stream,
              open_decoder(*image.outer, std::make_unique<ContentStream>(content), options));
  } else if (image.format == ImageFormat::zboot) {
    ASSAY_TRY(stream, open_payload(content, image));
  } else {
    return nullptr;
  }
  return hold(*stream, limits::kArtifactInMemory, limits::kKernelPayload);
}

std::vector<Examined> examine_inner(const Examined& outer, const Content& content,
                                    const EvidenceOptions& options, int depth);

Examined examine_one(const Examined& outer, std::string_view name, std::unique_ptr<Content> bytes,
                     const EvidenceOptions& options, int depth) {
  Found found;
  found.name = outer.name + "!" + encode_name(name);
  found.container = outer.name;
  found.inner_name = name;
  found.size = bytes->size();
  found.content = std::move(bytes);
  std::vector<Examined> inner;
  const auto with_content = [&](const Examined& artifact, const Content& content) {
    if (depth > 1) inner = examine_inner(artifact, content, options, depth - 1);
  };
  auto examined = examine(std::move(found), true, options, with_content);
  examined->inner = std::move(inner);
  return std::move(*examined);
}

Examined broken(const Examined& outer, std::string_view name, const Error& error) {
  Examined examined;
  examined.name = outer.name + "!" + encode_name(name);
  examined.error = with_path(error, examined.name);
  return examined;
}

std::vector<Examined> examine_inner(const Examined& outer, const Content& content,
                                    const EvidenceOptions& options, int depth) {
  std::vector<Examined> inner;
  if (outer.image) {
    auto image = open_image(outer, content);
    if (!image)
      inner.push_back(broken(outer, "Image", image.error()));
    else if (*image)
      inner.push_back(examine_one(outer, "Image", std::move(*image), options, depth));
  }
  if (outer.boot)
    if (const auto kernel = find_inner_kernel(content, *outer.boot))
      inner.push_back(examine_one(outer, ".linux", open_part(content, *kernel), options, depth));
  return inner;
}

}  // namespace

std::vector<Examined> examine_inner_images(const Examined& outer, const Content& content,
                                           const EvidenceOptions& options) {
  return examine_inner(outer, content, options, kDepth);
}

}  // namespace assay
