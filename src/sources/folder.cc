#include "sources/folder.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "base/name.h"
#include "sources/deb.h"

namespace assay {

namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

std::string joined(const std::string& folder, std::string_view name) {
  if (folder.empty() || folder.back() == '/') return folder + std::string(name);
  return folder + '/' + std::string(name);
}

std::string_view file_name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

class FolderWalk {
 public:
  FolderWalk(const std::string& root, const SourceOptions& options, SourceVisitor& visitor)
      : root_(root), options_(options), visitor_(visitor) {}

  void walk() {
    list(root_);
    std::ranges::stable_sort(files_, [](const std::string& a, const std::string& b) {
      const bool a_first = is_likely_image_name(file_name_of(a));
      const bool b_first = is_likely_image_name(file_name_of(b));
      return a_first != b_first ? a_first : a < b;
    });
    for (const std::string& path : files_) visit(path);
  }

 private:
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
        if (name != "." && name != "..") classify(joined(folder, name), folders);
        if (files_.size() > limits::kEntries) {
          fail_at(folder, Reason::limit_count, fmt::format("more than {} files", limits::kEntries));
          return;
        }
        errno = 0;
      }
      if (errno != 0) fail_at(folder, Reason::cannot_list, std::strerror(errno));
    }
  }

  void classify(std::string path, std::vector<std::string>& folders) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0)
      return fail_at(path, Reason::cannot_open, std::strerror(errno));
    if (S_ISDIR(status.st_mode)) {
      folders.push_back(std::move(path));
    } else if (S_ISREG(status.st_mode)) {
      files_.push_back(std::move(path));
    } else if (S_ISLNK(status.st_mode)) {
      if (::stat(path.c_str(), &status) != 0 && errno == ELOOP)
        return fail_at(path, Reason::symlink_loop);
      visitor_.skipped();
    } else {
      fail_at(path, Reason::not_a_regular_file);
    }
  }

  void visit(const std::string& path) {
    if (path.ends_with(".deb")) return walk_deb_file(path, encode_name(path), options_, visitor_);
    Found found;
    found.name = encode_name(path);
    found.path = path;
    found.container = root_;
    found.inner_name = path.substr(joined(root_, "").size());
    visitor_.found(std::move(found));
  }

  const std::string& root_;
  const SourceOptions& options_;
  SourceVisitor& visitor_;
  std::vector<std::string> files_;
};

}  // namespace

void walk_folder(const std::string& path, const SourceOptions& options, SourceVisitor& visitor) {
  FolderWalk(path, options, visitor).walk();
}

}  // namespace assay
