// platforms/find_platform.h - the platform that a user names: "host", a platform file, a folder
// with platform.toml, a kernel package, a Kconfig file.

#pragma once

#include <string>

#include "platforms/capture.h"
#include "platforms/platform_inputs.h"

namespace assay {

// By what `what` is; `root` is where "host" is read, "/" for this machine.
Result<Capture> find_platform(const std::string& what, const std::string& root,
                              PlatformInputs& images);

}  // namespace assay
