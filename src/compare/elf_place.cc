#include "compare/elf_place.h"

#include "base/limits.h"
#include "bytes/reader.h"
#include "formats/elf.h"

namespace assay {

namespace {

// Symbols of 64-bit little-endian files, which all modules of the kernels that sign theirs are but
// for s390's: name 0, info 4, section 6, value 8, size 16 (System V ABI, "Symbol Table").
constexpr std::size_t kSymbolSize = 24;

std::string find_symbol(const Elf& elf, std::size_t index, std::uint64_t within) {
  const ElfSection& section = elf.sections()[index];
  const bool is_relocatable = elf.type() == elf::kRelocatable;
  const std::uint64_t wanted = within + (is_relocatable ? 0 : section.address);
  std::vector<std::uint8_t> symbols;
  std::vector<std::uint8_t> names;
  for (const ElfSection& table : elf.sections()) {
    if (table.type != elf::kSymbolTable || table.link >= elf.sections().size()) continue;
    const ElfSection& strings = elf.sections()[table.link];
    if (table.size > limits::kSymbolStrings || strings.size > limits::kSymbolStrings) return {};
    const auto entries = elf.read_section(table, symbols);
    const auto text = elf.read_section(strings, names);
    if (!entries || !text) return {};
    for (std::size_t at = 0; at + kSymbolSize <= entries->size(); at += kSymbolSize) {
      const Record<kSymbolSize> symbol(entries->sub(at, kSymbolSize));
      const std::uint64_t value = symbol.le64<8>();
      if (symbol.le16<6>() != index || wanted < value || wanted - value >= symbol.le64<16>())
        continue;
      const std::uint64_t name = symbol.le32<0>();
      if (name >= text->size()) continue;
      const std::string_view rest = text->text().substr(name);
      return std::string(rest.substr(0, std::min(rest.find('\0'), std::size_t{256})));
    }
  }
  return {};
}

}  // namespace

std::optional<ElfPlace> find_elf_place(const Content& content, std::uint64_t offset) {
  const auto elf = Elf::open(content);
  if (!elf || !*elf) return std::nullopt;
  for (std::size_t i = 0; i < (*elf)->sections().size(); ++i) {
    const ElfSection& section = (*elf)->sections()[i];
    if (section.type == elf::kNoBits || offset < section.offset ||
        offset - section.offset >= section.size)
      continue;
    ElfPlace place;
    place.section = (*elf)->name_of(section);
    if ((*elf)->is_64_bit() && !(*elf)->is_big_endian())
      place.symbol = find_symbol(**elf, i, offset - section.offset);
    return place;
  }
  return std::nullopt;
}

}  // namespace assay
