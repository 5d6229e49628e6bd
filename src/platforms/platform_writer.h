// platforms/platform_writer.h - a platform as a file that load_platform reads back equal.

#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "trust/platform.h"

namespace assay {

// `path` that ends in ".toml" is the file; its configuration, certificates and policies go into the
// folder beside it that is named like it without that ending. Any other path is a folder, made
// where it is missing, and the file is platform.toml in it. `notes` are for people: [observed].
// Files that are in the way are replaced. Returns the platform file's path.
Result<std::string> write_platform(const Platform& platform, const std::vector<std::string>& notes,
                                   const std::string& path);

}  // namespace assay
