// sources/ar.h - the ar archive that a Debian package is (deb(5), ar(5)).
//
//   0   8  "!<arch>\n"
//   then members, each at an even offset:
//     0  16  name, padded with spaces ("data.tar.xz", or "data.tar.xz/")
//    16  12  time     28  6  owner     34  6  group     40  8  mode
//    48  10  size, decimal
//    58   2  "`\n"
//    60      content
//
// GNU's long names (a "//" member) do not occur in packages and are not read.

#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "bytes/content.h"

namespace assay {

inline constexpr std::string_view kArMagic = "!<arch>\n";

struct ArMember {
  std::string name;
  Extent content;
};

class ArReader {
 public:
  // bad_magic when `content` is no ar archive. The content outlives the reader.
  static Result<ArReader> open(const Content& content);

  // The next member; nothing at the end.
  Result<std::optional<ArMember>> next();

 private:
  explicit ArReader(const Content& content) : content_(&content) {}
  const Content* content_;
  std::uint64_t next_ = kArMagic.size();
};

}  // namespace assay
