// survey/module_outline.h - what of a module is its program, and what are symbol tables and debug
// information: whether one file is another one stripped.
//
// Relocations name symbols by their place in .symtab, which stripping changes, so they belong to
// neither.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bytes/content.h"

namespace assay {

struct ModuleOutline {
  std::map<std::string, std::string> program;  // sections by name, with a digest
  std::set<std::string> extra;                 // .symtab, .strtab, .debug*
};

// Nothing where the file is no ELF file.
Result<std::optional<ModuleOutline>> outline_of(const Content& module);

struct OutlineDifference {
  std::vector<std::string> gone;     // extra sections of the first that the second has not
  std::vector<std::string> added;    // and the other way round
  std::vector<std::string> changed;  // sections of the program

  bool is_same_program() const { return changed.empty(); }
};
OutlineDifference compare_outlines(const ModuleOutline& first, const ModuleOutline& second);

}  // namespace assay
