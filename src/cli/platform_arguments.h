// cli/platform_arguments.h - the platforms that --platform names.

#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "trust/platform.h"

namespace assay {

// Each is a platform file, or a folder with such files (*.toml).
Result<std::vector<Platform>> load_platforms(const std::vector<std::string>& arguments);

}  // namespace assay
