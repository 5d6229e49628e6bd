#include "platforms/find_platform.h"

#include <filesystem>

#include "platforms/platform_file.h"
#include "sources/source.h"

namespace assay {

Result<Capture> find_platform(const std::string& what, const std::string& root,
                              PlatformInputs& images) {
  if (what == "host") return capture_host(root);
  const std::filesystem::path path(what);
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  const bool has_file = is_folder && std::filesystem::exists(path / "platform.toml", ignored);
  if (path.extension() == ".toml" || has_file) {
    ASSAY_TRY(Platform platform,
              load_platform(has_file ? (path / "platform.toml").string() : what, images));
    return Capture{std::move(platform), {}};
  }
  ASSAY_TRY(const SourceKind kind, source_kind(what));
  return kind == SourceKind::file ? capture_config(what) : capture_package(what);
}

}  // namespace assay
