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

// The kernel image at `path` as it is after boot with `cmdline`: its built-in keys, and the
// configuration beside it. What is in no keyring for sure may be in one that the owner fills.
Result<Platform> platform_of_image(const std::string& path,
                                   const std::optional<std::string>& cmdline);

}  // namespace assay
