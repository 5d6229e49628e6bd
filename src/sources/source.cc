#include "sources/source.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/name.h"
#include "formats/module_name.h"
#include "sources/container.h"
#include "sources/folder.h"
#include "sources/nest.h"
#include "sources/standard_input.h"

namespace assay {

Result<SourceKind> source_kind(const std::string& path) {
  if (path == kStandardInput) return SourceKind::standard_input;
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return fail(errno == ELOOP ? Reason::symlink_loop : Reason::cannot_open, {},
                std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return SourceKind::folder;
  if (!S_ISREG(status.st_mode))
    return fail(Reason::not_a_regular_file, {}, "the path - reads standard input");
  // What is called a package and is none is a broken package.
  if (is_package_name(path)) return SourceKind::container;
  if (parse_module_name(path)) return SourceKind::file;
  ASSAY_TRY(const auto file, open_file(path));
  ASSAY_TRY(const auto container, detect_container(*file, path));
  return container && !is_artifact(*container) ? SourceKind::container : SourceKind::file;
}

void walk_source(const std::string& path, SourceKind kind, const SourceOptions& options,
                 SourceVisitor& visitor) {
  switch (kind) {
    case SourceKind::file:
    case SourceKind::container: {
      Found found;
      found.name = encode_name(path);
      found.path = path;
      found.inner_name = path;
      return Nest(options, visitor).disk_file(std::move(found));
    }
    case SourceKind::standard_input: return walk_standard_input(options, visitor);
    case SourceKind::folder: return walk_folder(path, options, visitor);
  }
}

bool is_likely_image_name(std::string_view file_name) {
  for (const std::string_view start : {"vmlinu", "Image", "bzImage", "zImage", "kernel", "image-"})
    if (file_name.starts_with(start)) return true;
  return file_name.ends_with(".efi");
}

}  // namespace assay
