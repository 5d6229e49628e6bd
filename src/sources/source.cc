#include "sources/source.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/name.h"
#include "formats/rpm.h"
#include "sources/deb.h"
#include "sources/folder.h"
#include "sources/rpm.h"
#include "sources/standard_input.h"

namespace assay {

namespace {

constexpr std::uint64_t kMagicSize = 4;

}  // namespace

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
  if (path.ends_with(".deb")) return SourceKind::deb;
  if (path.ends_with(".rpm")) return SourceKind::rpm;
  ASSAY_TRY(const auto file, open_file(path));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View head,
            view_of(*file, 0, std::min<std::uint64_t>(file->size(), kMagicSize), scratch));
  if (is_rpm(head)) return SourceKind::rpm;
  ASSAY_TRY(const bool deb, is_deb(*file));
  return deb ? SourceKind::deb : SourceKind::file;
}

void walk_source(const std::string& path, SourceKind kind, const SourceOptions& options,
                 SourceVisitor& visitor) {
  switch (kind) {
    case SourceKind::file: {
      Found found;
      found.name = encode_name(path);
      found.path = path;
      found.inner_name = path;
      visitor.found(std::move(found));
      return;
    }
    case SourceKind::standard_input: walk_standard_input(options, visitor); return;
    case SourceKind::folder: walk_folder(path, options, visitor); return;
    case SourceKind::rpm: walk_rpm_file(path, encode_name(path), options, visitor); return;
    case SourceKind::deb: walk_deb_file(path, encode_name(path), options, visitor); return;
  }
}

bool is_likely_image_name(std::string_view file_name) {
  for (const std::string_view start : {"vmlinu", "Image", "bzImage", "zImage", "kernel", "image-"})
    if (file_name.starts_with(start)) return true;
  return file_name.ends_with(".efi");
}

}  // namespace assay
