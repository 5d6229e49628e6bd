// sources/source.h - where artifacts come from: a file, a folder, a package.
//
// A source yields the files in it, one after the other, containers in containers opened depth
// first. It judges nothing: what a file is, its visitor finds out.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/budget.h"
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

struct SourceOptions {
  ByteBudget& budget;
  unsigned threads = 1;  // for decompressing
};

enum class SourceKind : std::uint8_t { file, folder, deb, rpm, standard_input };

// What `path` is, by its type and first bytes.
Result<SourceKind> source_kind(const std::string& path);

// Yields all files of `path` to the visitor. Errors inside go to the visitor too.
void walk_source(const std::string& path, SourceKind kind, const SourceOptions& options,
                 SourceVisitor& visitor);

// A name that kernel images are usually given (vmlinuz-X, Image, bzImage...): folders yield those
// first, so that the trust in them is at hand early.
bool is_likely_image_name(std::string_view file_name);

}  // namespace assay
