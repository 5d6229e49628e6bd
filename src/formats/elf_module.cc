#include "formats/elf_module.h"

#include "base/limits.h"
#include "formats/elf.h"

namespace assay {

Result<std::optional<ElfModule>> read_elf_module(const Content& content) {
  ASSAY_TRY(const std::optional<Elf> elf, Elf::open(content));
  if (!elf || elf->type() != elf::kRelocatable) return std::nullopt;
  const ElfSection* section = elf->find_section(".modinfo");
  if (section == nullptr) return std::nullopt;
  ElfSection bounded = *section;
  bounded.size = std::min(bounded.size, limits::kElfStrings);
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View info, elf->read_section(bounded, scratch));

  ElfModule module;
  module.arch = arch_of_elf_machine(elf->machine());
  std::string_view text = info.text();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    const std::string_view entry = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    // The kernel takes the first of several (kernel/module/main.c get_modinfo).
    const auto take = [entry](std::string_view key, std::string& value) {
      if (value.empty() && entry.starts_with(key)) value = entry.substr(key.size());
    };
    take("vermagic=", module.vermagic);
    take("name=", module.name);
    take("version=", module.version);
  }
  return module;
}

}  // namespace assay
