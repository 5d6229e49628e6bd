// sources/source.h - where artifacts come from: a file, a folder, a package, an image.
//
// A source yields the files in it, one after the other, containers in containers opened depth
// first (sources/nest.h). It judges nothing: what a file is, its visitor finds out.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/budget.h"
#include "base/nesting_limits.h"
#include "base/result.h"
#include "bytes/content.h"
#include "sources/file_attributes.h"

namespace assay {

// One regular file.
struct Found {
  std::string name;  // as printed: encoded, with its containers (base/name.h)
  std::string path;  // a file of the file system, to be opened by the visitor; else empty, and
  std::unique_ptr<Content> content;  // its bytes, already read
  ByteBudget::Lease lease;           // for `content`
  std::uint64_t size = 0;
  bool is_opened = false;  // a container, and what is in it is found too
  // Of a member of an archive that says something of its extended attributes.
  std::optional<FileAttributes> attributes;

  // Where its neighbours are: the container that holds it, or the folder walked ("linux.deb"), and
  // its raw name in there ("boot/vmlinuz-6.1.0").
  std::string container;
  std::string inner_name;
};

class SourceVisitor {
 public:
  virtual ~SourceVisitor() = default;
  virtual void found(Found found) = 0;
  // Something that cannot be read; the walk goes on. The error names it.
  virtual void failed(Error error) = 0;
  // Something that is no regular file and of no interest (a symbolic link, a folder inside an
  // archive).
  virtual void skipped() = 0;
};

// How far containers in containers are opened.
struct NestingLimits {
  int depth = limits::kNesting;
  std::uint64_t members = limits::kEntries;      // under one path, all together
  std::uint64_t unpacked = limits::kUnpacked;    // bytes, likewise
  std::uint64_t path = limits::kMemberPath;      // bytes of the path in one container
  std::uint64_t member = limits::kArtifactSize;  // bytes of one file that is not opened in place
};

struct SourceOptions {
  ByteBudget& budget;
  unsigned threads = 1;  // for decompressing
  NestingLimits nesting = {};
  bool opens_images = true;  // else folders and packages alone, and nothing in packages
};

enum class SourceKind : std::uint8_t { file, folder, container, standard_input };

// What `path` is, by its type and first bytes.
Result<SourceKind> source_kind(const std::string& path);

// Yields all files of `path` to the visitor. Errors inside go to the visitor too.
void walk_source(const std::string& path, SourceKind kind, const SourceOptions& options,
                 SourceVisitor& visitor);

// A name that kernel images are usually given (vmlinuz-X, Image, bzImage...): folders yield those
// first, so that the trust in them is at hand early.
bool is_likely_image_name(std::string_view file_name);

}  // namespace assay
