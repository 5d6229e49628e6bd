// formats/module_elf.h - the ELF file inside a module, as far as the kernel looks at it before it
// lays the module out (kernel/module/main.c: elf_validity_check, since 6.12 at the latest
// elf_validity_cache_copy).
//
// What is wrong is described, not refused: which kernel objects is for the rules of
// judge/module_load.def. Modules of all architectures that assay knows are ELF64.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bytes/content.h"

namespace assay {

// In the order in which the kernels come to them.
enum class ModuleElfFault : std::uint8_t {
  none,
  header,        // no ELF header of a relocatable file
  sections,      // the section headers, or what they describe, do not lie in the file
  section_zero,  // the first section is not empty
  names,         // the table of section names, or a name
  this_module,   // no .gnu.linkonce.this_module
  symbols,       // no symbol table, or several
  strings,       // the symbols' string table
};

struct ModuleElf {
  ModuleElfFault fault = ModuleElfFault::none;
  Extent where;
  std::string detail;
  unsigned machine = 0;       // e_machine
  bool has_versions = false;  // a section __versions
  std::multimap<std::string, std::string, std::less<>> modinfo;

  // The first value of `key` in .modinfo.
  std::optional<std::string_view> find(std::string_view key) const;
};

// Looks at the first `size` bytes of `content`: without an appended signature.
Result<ModuleElf> read_module_elf(const Content& content, std::uint64_t size);

}  // namespace assay
