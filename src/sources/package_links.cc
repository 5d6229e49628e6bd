#include "sources/package_links.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "formats/module_name.h"
#include "sources/source.h"

namespace assay {

namespace {

constexpr int kLongestChain = 40;  // MAXSYMLINKS, include/linux/namei.h

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

std::string_view file_name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// A kernel image is known by its content, whatever its name: unless it has a module's.
bool matters(std::string_view name, std::string_view target, bool is_hard) {
  if (parse_module_name(name)) return true;
  return is_likely_image_name(file_name_of(name)) && (is_hard || parse_module_name(target));
}

}  // namespace

std::string resolve_path(std::string_view from, std::string_view path) {
  std::string whole = path.starts_with('/') ? std::string() : std::string(from) + '/';
  whole += path;
  std::string resolved;
  std::string_view rest = whole;
  while (!rest.empty()) {
    const std::string_view component = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), component.size() + 1));
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      resolved.resize(folder_of(resolved).size());
      continue;
    }
    if (!resolved.empty()) resolved += '/';
    resolved += component;
  }
  return resolved;
}

Result<void> PackageLinks::add(const ArchiveEntry& entry, std::uint64_t index) {
  const bool is_hard = entry.kind == EntryKind::hard_link;
  if (!matters(entry.name, entry.target, is_hard)) return {};
  names_size_ += entry.name.size() + entry.target.size();
  if (links_.size() >= limits::kLinks || names_size_ > limits::kLinkNames)
    return fail(Reason::limit_count, {},
                fmt::format("more than {} links, or {} bytes of their names", limits::kLinks,
                            limits::kLinkNames));
  // A hard link names its target from the root of the package (tar, "linkname").
  const std::string_view from = is_hard ? std::string_view() : folder_of(entry.name);
  links_.push_back({entry.name, resolve_path(from, entry.target), index, is_hard, false});
  return {};
}

void PackageLinks::follow_links() {
  std::map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; i < links_.size(); ++i) by_name[resolve_path({}, links_[i].name)] = i;
  for (PackageLink& link : links_) {
    for (int steps = 0; steps < kLongestChain; ++steps) {
      const auto next = by_name.find(link.target);
      if (next == by_name.end()) break;
      link.target = links_[next->second].target;
    }
  }
  for (std::size_t i = 0; i < links_.size(); ++i) by_target_.emplace(links_[i].target, i);
}

std::vector<const PackageLink*> PackageLinks::leading_to(const ArchiveEntry& entry,
                                                         std::uint64_t index) {
  std::vector<const PackageLink*> leading;
  const auto [begin, end] = by_target_.equal_range(resolve_path({}, entry.name));
  for (auto at = begin; at != end; ++at) {
    PackageLink& link = links_[at->second];
    if (link.is_hard && index > link.index) continue;
    link.is_resolved = true;
    if (link.is_hard || parse_module_name(link.name) != parse_module_name(entry.name))
      leading.push_back(&link);
  }
  return leading;
}

}  // namespace assay
