// platforms/module_hashes_section.h - what a kernel was built with: [module_hashes] of a platform
// file (docs/platform.md), or its image.

#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "platforms/toml_section.h"
#include "trust/kernel_config.h"
#include "trust/module_root.h"

namespace assay {

// Nothing where the section is not there. `resolve` makes a path of the file one of this process.
Result<std::optional<ModuleHashes>> read_module_hashes(
    TomlSection& section, const std::function<std::string(const std::string&)>& resolve);

// What was found in the image of a kernel with this configuration. Rows are those of versions 1 to
// 3; of trees the configuration tells the version, by the option that stands for either mechanism:
// MODULE_SIG_POLICY up to version 4, MODULE_AUTH in version 5. Nothing where neither is there, or
// the kernel is without CONFIG_MODULE_HASHES.
std::optional<ModuleHashes> module_hashes_of(const FoundModuleHashes& found,
                                             const KernelConfig& config);

// A kernel that trusts modules by their hashes alone has no list of certificates.
bool needs_no_certificates(const KernelConfig& config);

// A file of 32-byte rows, as they stand in .module_hashes of versions 1 to 3.
Result<std::vector<FileSha256>> read_hash_list(const std::string& path);

}  // namespace assay
