// sources/unified_kernel.h - a unified kernel image (a PE image by systemd's stub): what its kernel
// unpacks, in .initrd and .ucode, "x.efi!.initrd!lib/modules/...". The kernel in .linux stands in
// the report of the image (survey/unified_kernel.h). A kernel image that has its initramfs inside
// its compressed payload is not unpacked for it.

#pragma once

#include <string>

#include "sources/archive.h"

namespace assay {

// Is there a PE image with such a section at the start of this file?
bool is_unified_kernel(View head);

Result<void> walk_unified_kernel(const Content& image, const std::string& name, Nest& nest);

}  // namespace assay
