// formats/kernel_elf.h - what tells vmlinux, the Linux kernel as an ELF file, from other
// executables.
//
// 64 bit, either byte order. It reads the start of a file and its notes; the sections and symbols
// of one that is at hand as a whole are formats/elf.h's.

#pragma once

#include <optional>

#include "base/result.h"
#include "formats/arch.h"
#include "formats/image_source.h"

namespace assay {

// The architecture of the kernel that `source` is; nothing when it is none.
Result<std::optional<Arch>> find_kernel_elf(ImageSource& source);

}  // namespace assay
