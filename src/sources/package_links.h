// sources/package_links.h - links in a package whose own name is a module's or a kernel's: what
// they lead to is found there under that name.
//
// The files of a package are examined as they come by, under the names they are stored with. A link
// gives a file another name, and names decide what is loaded: kmod opens what ends in ".ko". So a
// package with such links is read a second time, for the files that they lead to.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "sources/archive.h"

namespace assay {

struct PackageLink {
  std::string name;         // of the link, as stored
  std::string target;       // as stored
  std::uint64_t index = 0;  // its place among the entries
  bool is_hard = false;
  bool is_resolved = false;
};

class PackageLinks {
 public:
  // Takes note of an entry that is a link, if it matters, or may be to a folder that the way of one
  // that matters leads through. limit_count beyond limits::kLinks and limits::kLinkNames: the link
  // is then not noted. Of links to folders no more are noted beyond as many, and what leads through
  // them leads to nothing.
  Result<void> add(const ArchiveEntry& entry, std::uint64_t index);

  bool empty() const { return links_.empty(); }
  const std::vector<PackageLink>& all() const { return links_; }

  // To be called once all links are there: links that lead to links, or through folders that are
  // links, lead where those do.
  void follow_links();

  // The links that give the regular file `entry`, at `index`, another name under which it has to be
  // looked at. Those, and those whose own name says no more than the file's, are resolved then. A
  // hard link is made to what has its target's name when it is unpacked: something before it.
  std::vector<const PackageLink*> leading_to(const ArchiveEntry& entry, std::uint64_t index);

 private:
  std::string follow(std::string_view from, std::string_view path, bool last_too) const;

  std::vector<PackageLink> links_;
  std::vector<PackageLink> others_;
  std::uint64_t names_size_ = 0;
  std::uint64_t other_names_size_ = 0;
  // Once they are followed: where each leads, begun with a slash where that is from the root, by
  // its own place; and what leads to a place.
  std::map<std::string, std::string, std::less<>> target_of_;
  std::multimap<std::string, std::size_t> by_target_;
};

// Is this the name of a module, or one that kernel images have? A kernel image is known by its
// content, whatever its name, unless it has a module's.
bool has_name_that_matters(std::string_view path);

// `path`, seen from the folder `from`, as a path from the root of the package: without empty
// components, "." and "..". Above the root is the root.
std::string resolve_path(std::string_view from, std::string_view path);

}  // namespace assay
