#include "survey/module_outline.h"

#include <algorithm>

#include "crypto/hash.h"
#include "formats/elf.h"

namespace assay {

namespace {

bool is_extra(std::string_view name) {
  return name == ".symtab" || name == ".strtab" || name.starts_with(".debug");
}
bool is_neither(std::string_view name) {
  return name.empty() || name == ".shstrtab" || name.starts_with(".rel");
}

}  // namespace

Result<std::optional<ModuleOutline>> outline_of(const Content& module) {
  ASSAY_TRY(const std::optional<Elf> elf, Elf::open(module));
  if (!elf) return std::nullopt;
  ModuleOutline outline;
  for (const ElfSection& section : elf->sections()) {
    std::string name(elf->name_of(section));
    if (is_neither(name)) continue;
    if (is_extra(name)) {
      outline.extra.insert(std::move(name));
      continue;
    }
    std::vector<std::uint8_t> scratch;
    ASSAY_TRY(const View bytes, elf->read_section(section, scratch));
    ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, bytes.bytes()));
    outline.program[std::move(name)] += digest.hex() + std::to_string(section.size);
  }
  return std::optional(std::move(outline));
}

OutlineDifference compare_outlines(const ModuleOutline& first, const ModuleOutline& second) {
  OutlineDifference difference;
  std::ranges::set_difference(first.extra, second.extra, std::back_inserter(difference.gone));
  std::ranges::set_difference(second.extra, first.extra, std::back_inserter(difference.added));
  std::set<std::string> names;
  for (const auto* outline : {&first, &second})
    for (const auto& [name, digest] : outline->program) names.insert(name);
  for (const std::string& name : names) {
    const auto a = first.program.find(name);
    const auto b = second.program.find(name);
    if (a == first.program.end() || b == second.program.end() || a->second != b->second)
      difference.changed.push_back(name);
  }
  return difference;
}

}  // namespace assay
