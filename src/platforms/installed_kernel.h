// platforms/installed_kernel.h - where the parts of a kernel lie on a machine that has it
// installed.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay {

// Paths from the root folder, in the order in which they are tried. `release` is that of uname -r.
std::vector<std::string> installed_images(std::string_view release);
std::vector<std::string> installed_configs(std::string_view release);
std::vector<std::string> installed_modules(std::string_view release);  // folders

// A release that may stand in a path: releases come out of files.
bool is_plain_release(std::string_view release);

}  // namespace assay
