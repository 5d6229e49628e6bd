// platforms/platform_file.h - a platform described in TOML (docs/platform.md).
//
// Relative paths are relative to the file; unknown keys are errors; what is left out stays unknown.
// A [state] value that the configuration or the command line contradicts is an error that names
// both, unless `override = true` stands beside it.

#pragma once

#include <string>

#include "base/result.h"
#include "platforms/platform_inputs.h"
#include "trust/platform.h"

namespace assay {

// The platform in the file at `path`. Its name is the file's, or that of its folder where the file
// is called platform.toml. `images` has those that were read for other platforms.
Result<Platform> load_platform(const std::string& path, PlatformInputs& images);

// The same of a text; `folder` is where relative paths start, `name` what errors call it.
Result<Platform> parse_platform(std::string_view text, const std::string& folder,
                                const std::string& name, PlatformInputs& images);

}  // namespace assay
