// formats/elf_module.h - what a kernel module says of itself.
//
// The section .modinfo is a run of NUL-terminated "key=value" strings (include/linux/moduleinfo.h,
// scripts/mod/modpost.c). vermagic starts with the release of the kernel that the module was built
// for.

#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "bytes/content.h"
#include "formats/arch.h"

namespace assay {

struct ElfModule {
  std::optional<Arch> arch;  // nothing for a machine that assay does not know
  std::string name;          // "ext4"
  std::string vermagic;      // "6.1.0-56-amd64 SMP preempt mod_unload modversions"
  std::string version;       // of out-of-tree modules, mostly

  std::string release() const { return vermagic.substr(0, vermagic.find(' ')); }
};

// Nothing when the content is not a relocatable ELF file with a .modinfo section; what the section
// does not say is empty. An Error when a header points outside the file.
Result<std::optional<ElfModule>> read_elf_module(const Content& content);

}  // namespace assay
