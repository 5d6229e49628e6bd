// compare/elf_place.h - what lies at an offset of an ELF file: its section, and the symbol there.

#pragma once

#include <optional>
#include <string>

#include "bytes/content.h"

namespace assay {

struct ElfPlace {
  std::string section;
  std::string symbol;  // the last of .symtab that begins at or before the place, within its size
};

// Nothing for what is no ELF file, and between sections. Modules have the addresses of their
// symbols within their sections (ET_REL), kernels in memory.
std::optional<ElfPlace> find_elf_place(const Content& content, std::uint64_t offset);

}  // namespace assay
