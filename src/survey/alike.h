// survey/alike.h - platforms that cannot differ in what they do with any module.
//
// What a kernel does with a module is a function of the module and of these facts of its platform;
// platforms that have them in common share the verdict. tests/cli holds this against each platform
// asked alone.

#pragma once

#include <span>
#include <vector>

#include "ima/platform_ima.h"

namespace assay {

// Does load_module, without IMA, read the same of both?
bool is_alike_for_modules(const Platform& a, const Platform& b);

// For each platform the place of the first that is like it: its own where there is none before it,
// or where IMA may ask about a file.
std::vector<std::size_t> find_alike_for_modules(std::span<const PlatformIma> platforms);

}  // namespace assay
