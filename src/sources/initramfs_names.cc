#include "sources/initramfs_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nesting_limits.h"
#include "sources/package_links.h"

namespace assay {

namespace {

constexpr int kLongestChain = 40;                   // MAXSYMLINKS, include/linux/namei.h
constexpr std::uint64_t kStep = 64 * limits::kKiB;  // bytes of paths that are compared

}  // namespace

Result<void> InitramfsNames::count(std::uint64_t steps) {
  count_ += steps;
  if (count_ <= limits::kInitramfsNames) return {};
  return fail(
      Reason::limit_count, {},
      fmt::format("more than {} links, or as many steps to follow them", limits::kInitramfsNames));
}

// Links to folders on the way are followed; the last component is what the entry makes.
Result<std::string> InitramfsNames::resolve(const std::string& name) {
  std::string path = resolve_path({}, name);
  if (symlinks_.empty()) return path;
  for (int steps = 0; steps < kLongestChain && path.size() <= limits::kMemberPath; ++steps) {
    // Each folder on the way is looked up by its whole path.
    const auto depth = static_cast<std::uint64_t>(std::ranges::count(path, '/'));
    ASSAY_CHECK(count(depth * path.size() / kStep));
    std::size_t slash = 0;
    bool was_link = false;
    while (!was_link && (slash = path.find('/', slash)) != path.npos) {
      const std::string folder = path.substr(0, slash);
      if (const auto link = symlinks_.find(folder); link != symlinks_.end()) {
        const std::size_t last = folder.rfind('/');
        const std::string parent = last == folder.npos ? std::string() : folder.substr(0, last);
        path = resolve_path(parent, link->second + path.substr(slash));
        was_link = true;
      }
      ++slash;
    }
    if (!was_link) break;
  }
  return path;
}

void InitramfsNames::unlink(const std::string& path) {
  symlinks_.erase(path);
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return;
  files_[found->second].names.erase(path);
  by_path_.erase(found);
}

// The file with this path, or a new one.
std::size_t InitramfsNames::file_of(const std::string& path, const std::string& name) {
  const auto [at, is_new] = by_path_.try_emplace(path, files_.size());
  if (is_new) files_.emplace_back().names[path] = name;
  return at->second;
}

void InitramfsNames::write(std::size_t file, std::uint64_t index) {
  files_[file].writer = index;
  written_by_[index] = file;
}

Result<bool> InitramfsNames::add_file(const CpioHeader& header, const std::string& name,
                                      std::uint64_t index) {
  ASSAY_TRY(const std::string path, resolve(name));
  if (header.nlink < 2) {
    symlinks_.erase(path);
    const auto shared = by_path_.find(path);
    if (shared == by_path_.end()) return false;
    ASSAY_CHECK(count());
    write(shared->second, index);
    return true;
  }
  ASSAY_CHECK(count());
  const Inode inode{header.ino, header.major, header.minor};
  const auto [first, is_first] = by_inode_.try_emplace(inode, path);
  if (is_first) {
    symlinks_.erase(path);
    write(file_of(path, name), index);
    return true;
  }
  // What has the name goes before the link is made: its own first name too, which then fails.
  unlink(path);
  const auto target = by_path_.find(first->second);
  if (target == by_path_.end()) return true;
  const std::size_t file = target->second;
  by_path_[path] = file;
  files_[file].names[path] = name;
  if (header.file_size != 0) write(file, index);
  return true;
}

Result<void> InitramfsNames::add_symlink(const std::string& name, const std::string& target) {
  ASSAY_CHECK(count());
  ASSAY_TRY(const std::string path, resolve(name));
  unlink(path);
  symlinks_[path] = target;
  return {};
}

Result<void> InitramfsNames::add_other(const std::string& name) {
  ASSAY_TRY(const std::string path, resolve(name));
  unlink(path);
  return {};
}

std::vector<std::string> InitramfsNames::names_written_by(std::uint64_t index) const {
  std::vector<std::string> names;
  const auto written = written_by_.find(index);
  if (written == written_by_.end() || files_[written->second].writer != index) return names;
  for (const auto& [path, name] : files_[written->second].names) names.push_back(name);
  return names;
}

}  // namespace assay
