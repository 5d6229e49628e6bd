// compare/manifest.h - what a build is without its signatures: its files by the digests of their
// canonical forms, and one digest of the list, to publish beside the build. Signing changes
// neither.
//
// The list, sorted by path, one line a file, fields apart by one space:
//
//   sha256  of the canonical form (compare/canonical_form.h), decompressed
//   size    of the same
//   mode    four octal digits; "-" where the source does not tell, and of a path that is one file
//   path    within the build, printed (base/name.h); "." of a path that is one file
//
// Of what a folder holds beside files, digest and size are "-", and what it is stands behind the
// path and a tab (compare/folder_frame.h). The digest is SHA-256 of all lines, each with its line
// feed.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compare/side.h"

namespace assay {

struct ManifestEntry {
  std::string path;
  std::optional<std::uint16_t> mode;   // permissions
  std::optional<ContentId> canonical;  // nothing: no regular file
  std::string description;             // of such
  std::vector<std::string> records;    // owners of what was taken out; no part of the line
};
std::string to_line(const ManifestEntry& entry);

struct Manifest {
  std::string path;  // as printed
  std::vector<ManifestEntry> entries;
  std::string sha256;  // of the lines
};

struct ManifestOptions {
  std::string path;
  unsigned jobs = 1;
  Progress* progress = nullptr;
};

// Nothing where something could not be read, which `report_failure` is told: a digest of the rest
// would be that of another build. bad_value for a path that comes twice, cannot_list for a
// build of nothing.
std::optional<Manifest> make_manifest(const ManifestOptions& options,
                                      const std::function<void(const Error&)>& report_failure);

}  // namespace assay
