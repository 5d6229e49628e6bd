// cli/platform_arguments.h - the platforms that --platform names.

#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "trust/platform.h"

namespace assay {

struct LoadedPlatforms {
  std::vector<Platform> platforms;
  std::vector<std::string> notes;  // what could not be read of a host or a package
};

// Each is what find_platform takes, or a folder with platform files (*.toml).
Result<LoadedPlatforms> load_platforms(const std::vector<std::string>& arguments);

}  // namespace assay
