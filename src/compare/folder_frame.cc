#include "compare/folder_frame.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>

#include "base/limits.h"
#include "base/name.h"

namespace assay {

namespace {

namespace fs = std::filesystem;

Result<std::string> describe(const fs::path& path, const struct stat& status) {
  const std::string rest = fmt::format("mode {:04o}, owner {}:{}", status.st_mode & 07777U,
                                       status.st_uid, status.st_gid);
  if (S_ISDIR(status.st_mode)) return "folder, " + rest;
  if (S_ISLNK(status.st_mode)) {
    std::error_code error;
    const fs::path target = fs::read_symlink(path, error);
    if (error) return fail(Reason::cannot_open, {}, error.message());
    return fmt::format("link to {}, owner {}:{}", encode_name(target.native()), status.st_uid,
                       status.st_gid);
  }
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
    return fmt::format("{} device {}:{}, {}", S_ISCHR(status.st_mode) ? "character" : "block",
                       major(status.st_rdev), minor(status.st_rdev), rest);
  return fmt::format("special file of type {:o}, {}", status.st_mode & S_IFMT, rest);
}

}  // namespace

Result<std::map<std::string, std::string>> read_folder_frame(const std::string& folder) {
  std::map<std::string, std::string> frame;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    struct stat status{};
    if (::lstat(at->path().c_str(), &status) != 0)
      return fail(Reason::cannot_open, {}, encode_name(at->path().native()));
    if (S_ISREG(status.st_mode)) continue;
    if (frame.size() == limits::kEntries) return fail(Reason::limit_count, {}, "folders and links");
    ASSAY_TRY(frame[encode_name(at->path().lexically_relative(folder).native())],
              describe(at->path(), status));
  }
  if (error) return fail(Reason::cannot_list, {}, error.message());
  return frame;
}

}  // namespace assay
