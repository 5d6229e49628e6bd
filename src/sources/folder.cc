#include "sources/folder.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "base/name.h"
#include "formats/module_name.h"
#include "sources/container.h"
#include "sources/nest.h"

namespace assay {

namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

struct FreeText {
  void operator()(char* text) const { std::free(text); }
};

std::string joined(const std::string& folder, std::string_view name) {
  if (folder.empty() || folder.back() == '/') return folder + std::string(name);
  return folder + '/' + std::string(name);
}

std::string_view file_name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::optional<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, FreeText> real(::realpath(path.c_str(), nullptr));
  if (!real) return std::nullopt;
  return std::string(real.get());
}

class FolderWalk {
 public:
  FolderWalk(const std::string& root, const SourceOptions& options, SourceVisitor& visitor)
      : root_(root), nest_(options, visitor), visitor_(visitor) {}

  void walk() {
    // Kernel images first: what they are searched for takes longest, and modules wait for it.
    boot_ = joined(root_, "boot");
    struct stat status{};
    if (::lstat(boot_.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
      list(boot_);
      visit_all();
    } else {
      boot_.clear();
    }
    list(root_);
    visit_all();
  }

 private:
  void visit_all() {
    const auto others = std::ranges::partition(
        files_, [](const std::string& path) { return is_likely_image_name(file_name_of(path)); });
    std::sort(files_.begin(), others.begin());
    std::ranges::sort(others);
    for (const std::string& path : files_) visit(path);
    files_.clear();
  }

  void fail_at(const std::string& path, Reason reason, std::string detail = {}) {
    visitor_.failed({reason, {}, std::move(detail), encode_name(path)});
  }

  // Depth first without recursion: a tree may be deeper than the stack.
  void list(const std::string& top) {
    std::vector<std::string> folders{top};
    while (!folders.empty()) {
      const std::string folder = std::move(folders.back());
      folders.pop_back();
      const std::unique_ptr<DIR, CloseFolder> open(::opendir(folder.c_str()));
      if (!open) {
        fail_at(folder, Reason::cannot_list, std::strerror(errno));
        continue;
      }
      errno = 0;
      while (const dirent* entry = ::readdir(open.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") classify(joined(folder, name), entry->d_type, folders);
        if (files_.size() > limits::kEntries) {
          fail_at(folder, Reason::limit_count, fmt::format("more than {} files", limits::kEntries));
          return;
        }
        errno = 0;
      }
      if (errno != 0) fail_at(folder, Reason::cannot_list, std::strerror(errno));
    }
  }

  // `type` is a DT_ value of readdir(3).
  void classify(std::string path, unsigned char type, std::vector<std::string>& folders) {
    if (type == DT_UNKNOWN) {  // of a file system that does not tell
      struct stat status{};
      if (::lstat(path.c_str(), &status) != 0)
        return fail_at(path, Reason::cannot_open, std::strerror(errno));
      type = IFTODT(status.st_mode);
    }
    switch (type) {
      case DT_DIR:
        if (path != boot_) folders.push_back(std::move(path));
        return;
      case DT_REG: files_.push_back(std::move(path)); return;
      case DT_LNK: follow_link(std::move(path)); return;
      default: fail_at(path, Reason::not_a_regular_file);
    }
  }

  void follow_link(std::string path) {
    struct stat status{};
    const int error = ::stat(path.c_str(), &status) == 0 ? 0 : errno;
    if (error == ELOOP) return fail_at(path, Reason::symlink_loop);
    const auto module = parse_module_name(path);
    visitor_.skipped();
    if (error == 0 && S_ISDIR(status.st_mode)) return check_folder(path);
    if (!module && !is_likely_image_name(file_name_of(path))) return;
    if (error != 0) return fail_at(path, Reason::cannot_open, std::strerror(error));
    if (!S_ISREG(status.st_mode)) return fail_at(path, Reason::not_a_regular_file);
    const std::optional<std::string> target = real_path(path);
    if (!target) return fail_at(path, Reason::cannot_open, std::strerror(errno));
    if (!lies_in_root(*target)) return fail_at(path, Reason::link_outside, encode_name(*target));
    if (is_package_name(*target) || parse_module_name(*target) != module)
      files_.push_back(std::move(path));
  }

  // depmod walks through links to folders, but for two (kmod, tools/depmod.c,
  // depmod_modules_search_dir): modules that lie elsewhere are modules of this tree.
  void check_folder(const std::string& path) {
    const std::string_view name = file_name_of(path);
    if (name == "build" || name == "source") return;
    if (!path.contains("lib/modules/")) return;
    const std::optional<std::string> target = real_path(path);
    if (!target) return fail_at(path, Reason::cannot_open, std::strerror(errno));
    if (!lies_in_root(*target)) fail_at(path, Reason::link_outside, encode_name(*target));
  }

  bool lies_in_root(const std::string& target) {
    if (!real_root_) real_root_ = real_path(root_);
    return real_root_ && target.starts_with(joined(*real_root_, ""));
  }

  void visit(const std::string& path) {
    Found found;
    found.name = encode_name(path);
    found.path = path;
    found.container = root_;
    found.inner_name = path.substr(joined(root_, "").size());
    nest_.disk_file(std::move(found));
  }

  const std::string& root_;
  Nest nest_;
  SourceVisitor& visitor_;
  std::optional<std::string> real_root_;
  std::string boot_;  // the folder that is listed before all others
  std::vector<std::string> files_;
};

}  // namespace

void walk_folder(const std::string& path, const SourceOptions& options, SourceVisitor& visitor) {
  FolderWalk(path, options, visitor).walk();
}

}  // namespace assay
