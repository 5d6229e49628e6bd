#include <fmt/format.h>

#include <string>
#include <unordered_set>
#include <utility>

#include "base/name.h"
#include "base/nesting_limits.h"
#include "sources/archive.h"
#include "sources/nest.h"
#include "sources/package_links.h"

namespace assay {

namespace {

class ArchiveWalk {
 public:
  ArchiveWalk(Archive& archive, const std::string& name, Nest& nest)
      : archive_(archive), name_(name), nest_(nest) {}

  Result<void> walk() {
    ASSAY_CHECK(archive_.for_each(
        [this](const ArchiveEntry& entry, std::uint64_t index, const EntryContent& content) {
          return first(entry, index, content);
        }));
    if (links_.empty()) return {};
    links_.follow_links();
    ASSAY_CHECK(archive_.for_each(
        [this](const ArchiveEntry& entry, std::uint64_t index, const EntryContent& content) {
          return again(entry, index, content);
        }));
    for (const PackageLink& link : links_.all())
      if (!link.is_resolved) fail_link(link, Reason::archive_link, encode_name(link.target));
    return {};
  }

 private:
  Result<void> first(const ArchiveEntry& entry, std::uint64_t index, const EntryContent& content) {
    if (!archive_.may_repeat_paths()) note_path(entry);
    if (entry.kind == EntryKind::regular)
      return nest_.file({name_, entry.name, entry.size, entry.attributes}, content);
    ASSAY_CHECK(nest_.count_member());
    nest_.skipped();
    if (entry.kind == EntryKind::other) return {};
    if (auto added = links_.add(entry, index); !added)
      nest_.failed(with_path(added.error(), nested_name(name_, entry.name)));
    return {};
  }

  // Package managers unpack a path that is there twice both times, so that what comes last stays
  // (dpkg too). What came first has been handed over by then, so that neither is what is installed
  // for certain.
  void note_path(const ArchiveEntry& entry) {
    if (entry.kind == EntryKind::other || !has_name_that_matters(entry.name)) return;
    const std::string path = resolve_path({}, entry.name);
    if (names_.size() >= limits::kRememberedNames) {
      if (!std::exchange(has_too_many_names_, true))
        nest_.failed({Reason::limit_count,
                      {},
                      fmt::format("whether paths are there twice is not known beyond {} names of "
                                  "modules and kernels",
                                  limits::kRememberedNames),
                      name_});
    } else if (!names_.insert(std::hash<std::string>()(path)).second) {
      nest_.failed({Reason::archive_corrupt,
                    {},
                    "the path is there a second time; unpacked, what comes last stays",
                    nested_name(name_, entry.name)});
    }
  }

  // The second time: for the files that links lead to.
  Result<void> again(const ArchiveEntry& entry, std::uint64_t index, const EntryContent& content) {
    if (entry.kind != EntryKind::regular) return {};
    const auto links = links_.leading_to(entry, index);
    if (links.empty()) return {};
    std::vector<std::string> names;
    for (const PackageLink* link : links) {
      linked_size_ += entry.size;
      if (linked_size_ > limits::kPackageSize)
        fail_link(*link, Reason::limit_size,
                  fmt::format("links lead to more than {} bytes", limits::kPackageSize));
      else
        names.push_back(link->name);
    }
    if (names.empty()) return {};
    return nest_.file_of_names({name_, entry.name, entry.size, entry.attributes}, names, content);
  }

  void fail_link(const PackageLink& link, Reason reason, std::string detail) {
    nest_.failed({reason, {}, std::move(detail), nested_name(name_, link.name)});
  }

  Archive& archive_;
  const std::string& name_;
  Nest& nest_;
  PackageLinks links_;
  std::unordered_set<std::size_t> names_;  // hashes of paths
  bool has_too_many_names_ = false;
  std::uint64_t linked_size_ = 0;
};

}  // namespace

Result<void> walk_archive(Archive& archive, const std::string& name, Nest& nest) {
  return ArchiveWalk(archive, name, nest).walk();
}

}  // namespace assay
