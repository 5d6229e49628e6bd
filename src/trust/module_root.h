// trust/module_root.h - what CONFIG_MODULE_HASHES left in a kernel image.
//
// The section .module_hashes holds struct module_hashes_root (versions 4 and 5 of the series) or
// the rows of a list (versions 1 to 3). Flat images (arm64, s390, riscv) have no sections: there a
// root is found by its value, which any module with a proof gives.

#pragma once

#include <optional>
#include <string>

#include "formats/kernel_image.h"
#include "trust/module_hashes.h"

namespace assay {

struct FoundModuleHashes {
  std::optional<ModuleRoot> root;
  std::vector<FileSha256> list;  // where the section has the size of one
  std::uint64_t offset = 0;      // in the decompressed kernel
  bool by_section = false;       // else by value

  // All zero: as it is linked before it is known, or of a kernel built with no modules.
  bool is_placeholder() const { return root && root->levels == 0 && root->hash.is_zero(); }
};

// Decompresses the kernel inside `image`. `expected` is looked for where there is no section;
// no_trust when there is nothing.
Result<FoundModuleHashes> find_module_hashes(const Content& content, const KernelImage& image,
                                             const std::optional<ModuleRoot>& expected);

// The same of the image at `path`; image_unknown where it is none.
Result<FoundModuleHashes> open_module_hashes(const std::string& path,
                                             const std::optional<ModuleRoot>& expected);

}  // namespace assay
