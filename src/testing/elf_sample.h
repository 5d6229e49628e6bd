// testing/elf_sample.h - small ELF files of either class and byte order, with every number to
// choose.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay {

struct ElfSampleSection {
  std::string name;
  std::uint32_t type = 1;
  std::vector<std::uint8_t> content;
  std::uint64_t address = 0;
  std::uint32_t link = 0;
  std::uint64_t entry_size = 0;
};

struct ElfSampleSegment {
  std::uint32_t type = 1;
  std::uint64_t offset = 0;
  std::uint64_t address = 0;
  std::uint64_t file_size = 0;
};

struct ElfSampleSymbol {
  std::string name;
  std::uint64_t value = 0;
  std::uint64_t size = 0;
  std::uint16_t section = 0;
};

// Header, segments, contents, section headers, in this order; the first section is the null one,
// the last .shstrtab.
class ElfSample {
 public:
  ElfSample(bool is_64_bit, bool is_big_endian)
      : is_64_bit_(is_64_bit), is_big_endian_(is_big_endian) {}

  std::uint16_t type = 1;
  std::uint16_t machine = 62;
  std::vector<ElfSampleSection> sections;
  std::vector<ElfSampleSegment> segments;

  // .symtab and .strtab.
  void add_symbols(const std::vector<ElfSampleSymbol>& symbols);
  std::vector<std::uint8_t> write() const;

  // Where in the file some fields stand, for tests that overwrite them.
  std::size_t header_size() const { return is_64_bit_ ? 64 : 52; }
  std::size_t section_table(const std::vector<std::uint8_t>& file) const;
  std::size_t section_size() const { return is_64_bit_ ? 64 : 40; }
  // Overwrites `width` bytes in the file's byte order.
  void put(std::vector<std::uint8_t>& file, std::size_t at, std::uint64_t value,
           std::size_t width) const;
  std::size_t word() const { return is_64_bit_ ? 8 : 4; }

 private:
  void append(std::vector<std::uint8_t>& out, std::uint64_t value, std::size_t width) const;

  bool is_64_bit_;
  bool is_big_endian_;
};

}  // namespace assay
