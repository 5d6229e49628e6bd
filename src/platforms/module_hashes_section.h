// platforms/module_hashes_section.h - [module_hashes] of a platform file (docs/platform.md).

#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "platforms/toml_section.h"
#include "trust/module_hashes.h"

namespace assay {

// Nothing where the section is not there. `resolve` makes a path of the file one of this process.
Result<std::optional<ModuleHashes>> read_module_hashes(
    TomlSection& section, const std::function<std::string(const std::string&)>& resolve);

// A file of 32-byte rows, as they stand in .module_hashes of versions 1 to 3.
Result<std::vector<FileSha256>> read_hash_list(const std::string& path);

}  // namespace assay
