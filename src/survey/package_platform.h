// survey/package_platform.h - the platforms that paths are looked at on where the user describes
// none.

#pragma once

#include <optional>
#include <string>

#include "survey/trust_book.h"

namespace assay {

// For the question whether a signature is good.
Platform platform_for_verify(const KernelId& kernel);

// The kernel of a package as it is after boot with `cmdline`; without one the command line is not
// known. `config` may be nullptr.
Platform platform_for_package(const ImageTrust& image, const ConfigFile* config,
                              const std::optional<std::string>& cmdline);

}  // namespace assay
