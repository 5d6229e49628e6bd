#include "sources/package_links.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nesting_limits.h"
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

bool has_name_that_matters(std::string_view path) {
  return parse_module_name(path).has_value() || is_likely_image_name(file_name_of(path));
}

Result<void> PackageLinks::add(const ArchiveEntry& entry, std::uint64_t index) {
  const bool is_hard = entry.kind == EntryKind::hard_link;
  const bool is_one = matters(entry.name, entry.target, is_hard);
  if (!is_one && is_hard) return {};
  std::uint64_t& size = is_one ? names_size_ : other_names_size_;
  auto& links = is_one ? links_ : others_;
  size += entry.name.size() + entry.target.size();
  if (links.size() >= limits::kLinks || size > limits::kLinkNames) {
    if (!is_one) return {};
    return fail(Reason::limit_count, {},
                fmt::format("more than {} links, or {} bytes of their names", limits::kLinks,
                            limits::kLinkNames));
  }
  links.push_back({entry.name, entry.target, index, is_hard, false});
  return {};
}

// The place that `path` leads to from the folder `from`, links followed as fs/namei.c does
// (link_path_walk, step_into): ".." is the parent of where a link has led. Without `last_too` the
// last component is taken as it is. Empty where there are more links than a kernel follows.
std::string PackageLinks::follow(std::string_view from, std::string_view path,
                                 bool last_too) const {
  std::string place(path.starts_with('/') ? std::string_view() : from);
  std::string rest(path);
  for (int links = 0; !rest.empty();) {
    const std::string component = rest.substr(0, rest.find('/'));
    rest.erase(0, component.size() + 1);
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      place.resize(folder_of(place).size());
      continue;
    }
    std::string next = place.empty() ? component : place + '/' + component;
    const bool is_last = rest.find_first_not_of('/') == rest.npos;
    const auto link = is_last && !last_too ? target_of_.end() : target_of_.find(next);
    if (link == target_of_.end()) {
      place = std::move(next);
      continue;
    }
    if (++links > kLongestChain || link->second.size() + rest.size() > 2 * limits::kMemberPath)
      return {};
    if (link->second.starts_with('/')) place.clear();
    rest = link->second + '/' + rest;
  }
  return place;
}

void PackageLinks::follow_links() {
  std::vector<const PackageLink*> in_order;
  for (const auto* links : {&links_, &others_})
    for (const PackageLink& link : *links) in_order.push_back(&link);
  std::ranges::sort(in_order, {}, &PackageLink::index);
  // As they are unpacked, each through those before it. A hard link names its target from the root
  // of the package (tar, "linkname").
  for (const PackageLink* link : in_order)
    target_of_[follow({}, link->name, false)] = (link->is_hard ? "/" : "") + link->target;
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (std::string target = follow({}, links_[i].name, true); !target.empty())
      by_target_.emplace(std::move(target), i);
}

std::vector<const PackageLink*> PackageLinks::leading_to(const ArchiveEntry& entry,
                                                         std::uint64_t index) {
  std::vector<const PackageLink*> leading;
  const auto [begin, end] = by_target_.equal_range(follow({}, entry.name, false));
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
