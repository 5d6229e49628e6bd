// formats/elf.h - the few parts of ELF that assay looks at: the header, sections by name, symbols.
//
// Both classes (32 and 64 bit) and byte orders. Every table is bounds-checked where it is read;
// nothing of the file's size is allocated before it is compared with the file.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"

namespace assay {

namespace elf {
inline constexpr std::uint16_t kRelocatable = 1;  // ET_REL: modules
inline constexpr std::uint16_t kExecutable = 2;   // ET_EXEC: vmlinux
inline constexpr std::uint16_t kShared = 3;       // ET_DYN: a relocatable vmlinux
inline constexpr std::uint32_t kSymbolTable = 2;  // SHT_SYMTAB
inline constexpr std::uint32_t kNoBits = 8;       // SHT_NOBITS
inline constexpr std::uint32_t kLoad = 1;         // PT_LOAD
inline constexpr std::uint32_t kInterpreter = 3;  // PT_INTERP
inline constexpr std::uint32_t kExecute = 1;      // PF_X
}  // namespace elf

struct ElfSection {
  std::uint32_t name = 0;
  std::uint32_t type = 0;
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint32_t link = 0;
  std::uint64_t entry_size = 0;
};

struct ElfSegment {
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;  // virtual
  std::uint64_t file_size = 0;
  std::uint32_t flags = 0;
};

struct ElfSymbol {
  std::uint64_t value = 0;
  std::uint64_t size = 0;
  std::uint16_t section = 0;
};

class Elf {
 public:
  // Nothing when the content does not start with an ELF header. The content outlives the object.
  static Result<std::optional<Elf>> open(const Content& content);

  bool is_64_bit() const { return is_64_bit_; }
  bool is_big_endian() const { return is_big_endian_; }
  std::uint16_t type() const { return type_; }
  std::uint16_t machine() const { return machine_; }
  const std::vector<ElfSegment>& segments() const { return segments_; }
  const std::vector<ElfSection>& sections() const { return sections_; }

  // The name of a section; empty when its offset lies outside the string table or the name has more
  // than limits::kElfName bytes.
  std::string_view name_of(const ElfSection& section) const;
  const ElfSection* find_section(std::string_view name) const;
  // The section's bytes; empty for SHT_NOBITS. `scratch` holds them when the content is not in
  // memory.
  Result<View> read_section(const ElfSection& section, std::vector<std::uint8_t>& scratch) const;

  // The symbols of .symtab with these names, in the same order; read in pieces.
  Result<std::vector<std::optional<ElfSymbol>>> find_symbols(
      std::span<const std::string_view> names) const;
  // Where in the file the byte at a virtual address lies, by the PT_LOAD segments.
  std::optional<std::uint64_t> offset_of(std::uint64_t address) const;

 private:
  explicit Elf(const Content& content) : content_(&content) {}
  Result<void> read_header(View header);
  Result<void> read_sections(std::uint64_t offset, std::uint16_t count, std::uint16_t entry_size,
                             std::uint16_t names);
  Result<void> read_segments(std::uint64_t offset, std::uint16_t count, std::uint16_t entry_size);
  std::uint64_t number(View bytes, std::size_t offset, std::size_t size) const;

  const Content* content_;
  bool is_64_bit_ = false;
  bool is_big_endian_ = false;
  std::uint16_t type_ = 0;
  std::uint16_t machine_ = 0;
  std::vector<ElfSegment> segments_;
  std::vector<ElfSection> sections_;
  std::vector<std::uint8_t> section_names_;
};

}  // namespace assay
