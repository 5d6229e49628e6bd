// catalogue/module_hashes_page.h - what CONFIG_MODULE_HASHES means to a distribution that thinks of
// adopting it, beside the rules of its versions.

#pragma once

#include <string>

namespace assay {

// docs/mechanisms/module_hashes.md
std::string module_hashes_page();

}  // namespace assay
