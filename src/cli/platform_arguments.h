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

// The kernel of the package that `path` is, was unpacked into, or lies in, as it stands after boot:
// nobody has turned modules or kexec off. How it was booted is not known.
Result<LoadedPlatforms> load_package_platform(const std::string& path);

}  // namespace assay
