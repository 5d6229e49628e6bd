#include "survey/only_image.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/name.h"
#include "formats/module_name.h"
#include "sources/source.h"

namespace assay {

namespace {

class ImageFinder final : public SourceVisitor {
 public:
  void found(Found found) override {
    if (parse_module_name(found.inner_name)) return;
    const auto examined = examine(std::move(found), false, {},
                                  [this](const Examined& artifact, const Content& content) {
                                    if (artifact.image) add(read_image_trust(artifact, content));
                                  });
    if (examined && examined->error) failed(*examined->error);
  }
  void failed(Error error) override {
    if (!error_) error_ = std::move(error);
  }
  void skipped() override {}

  Result<std::shared_ptr<const ImageTrust>> result(const std::string& path) && {
    if (images_.size() == 1) return images_.front();
    if (images_.empty() && error_) return std::unexpected(*error_);
    std::string detail = "no kernel image in it";
    if (!images_.empty())
      detail = fmt::format("{} kernel images in it, give one: {}, {}", images_.size(),
                           images_[0]->name, images_[1]->name);
    return std::unexpected(Error{Reason::image_unknown, {}, detail, encode_name(path)});
  }

 private:
  void add(std::shared_ptr<const ImageTrust> image) { images_.push_back(std::move(image)); }

  std::vector<std::shared_ptr<const ImageTrust>> images_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::shared_ptr<const ImageTrust>> open_only_image(const std::string& path) {
  const auto kind = source_kind(path);
  if (!kind) return std::unexpected(with_path(kind.error(), encode_name(path)));
  if (*kind == SourceKind::file) return open_image_trust(path);
  ByteBudget budget(limits::kInFlight);
  ImageFinder finder;
  walk_source(path, *kind, {budget, 1}, finder);
  return std::move(finder).result(path);
}

}  // namespace assay
