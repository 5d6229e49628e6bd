#include "testing/elf_sample.h"

namespace assay {

namespace {

using Bytes = std::vector<std::uint8_t>;

// The text of all names, each ended by a NUL; where each starts.
Bytes string_table(const std::vector<std::string>& names, std::vector<std::uint64_t>& offsets) {
  Bytes table{0};
  for (const std::string& name : names) {
    offsets.push_back(name.empty() ? 0 : table.size());
    if (name.empty()) continue;
    table.insert(table.end(), name.begin(), name.end());
    table.push_back(0);
  }
  return table;
}

}  // namespace

void ElfSample::append(Bytes& out, std::uint64_t value, std::size_t width) const {
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t shift = 8 * (is_big_endian_ ? width - 1 - i : i);
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void ElfSample::put(Bytes& file, std::size_t at, std::uint64_t value, std::size_t width) const {
  Bytes bytes;
  append(bytes, value, width);
  for (std::size_t i = 0; i < width; ++i) file.at(at + i) = bytes[i];
}

std::size_t ElfSample::section_table(const Bytes& file) const {
  std::size_t value = 0;
  const std::size_t at = is_64_bit_ ? 40 : 32;
  for (std::size_t i = 0; i < word(); ++i)
    value |= std::size_t{file.at(at + i)} << (8 * (is_big_endian_ ? word() - 1 - i : i));
  return value;
}

void ElfSample::add_symbols(const std::vector<ElfSampleSymbol>& symbols) {
  std::vector<std::string> names;
  for (const ElfSampleSymbol& symbol : symbols) names.push_back(symbol.name);
  std::vector<std::uint64_t> offsets;
  const Bytes text = string_table(names, offsets);
  Bytes table(is_64_bit_ ? 24 : 16);
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    append(table, offsets[i], 4);
    if (is_64_bit_) {
      append(table, 0, 2);
      append(table, symbols[i].section, 2);
      append(table, symbols[i].value, 8);
      append(table, symbols[i].size, 8);
    } else {
      append(table, symbols[i].value, 4);
      append(table, symbols[i].size, 4);
      append(table, 0, 2);
      append(table, symbols[i].section, 2);
    }
  }
  const auto link = static_cast<std::uint32_t>(sections.size() + 2);
  sections.push_back({".symtab", 2, table, 0, link, is_64_bit_ ? 24U : 16U});
  sections.push_back({".strtab", 3, text, 0, 0, 0});
}

Bytes ElfSample::write() const {
  std::vector<ElfSampleSection> all{{"", 0, {}, 0, 0, 0}};
  all.insert(all.end(), sections.begin(), sections.end());
  all.push_back({".shstrtab", 3, {}, 0, 0, 0});
  std::vector<std::string> names;
  for (const ElfSampleSection& section : all) names.push_back(section.name);
  std::vector<std::uint64_t> name_offsets;
  all.back().content = string_table(names, name_offsets);

  const std::size_t segment_size = is_64_bit_ ? 56 : 32;
  std::size_t end = header_size() + segments.size() * segment_size;
  std::vector<std::uint64_t> offsets;
  for (const ElfSampleSection& section : all) {
    offsets.push_back(end);
    end += section.content.size();
  }

  Bytes file{0x7F,
             'E',
             'L',
             'F',
             static_cast<std::uint8_t>(is_64_bit_ ? 2 : 1),
             static_cast<std::uint8_t>(is_big_endian_ ? 2 : 1),
             1};
  file.resize(16);
  append(file, type, 2);
  append(file, machine, 2);
  append(file, 1, 4);
  append(file, 0, word());
  append(file, header_size(), word());
  append(file, end, word());
  append(file, 0, 4);
  for (const std::size_t half :
       {header_size(), segment_size, segments.size(), section_size(), all.size(), all.size() - 1})
    append(file, half, 2);
  for (const ElfSampleSegment& segment : segments) {
    append(file, segment.type, 4);
    if (is_64_bit_) append(file, 5, 4);
    append(file, segment.offset, word());
    append(file, segment.address, word());
    append(file, segment.address, word());
    append(file, segment.file_size, word());
    append(file, segment.file_size, word());
    if (!is_64_bit_) append(file, 5, 4);
    append(file, 1, word());
  }
  for (const ElfSampleSection& section : all)
    file.insert(file.end(), section.content.begin(), section.content.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    append(file, name_offsets[i], 4);
    append(file, all[i].type, 4);
    append(file, 0, word());
    append(file, all[i].address, word());
    append(file, offsets[i], word());
    append(file, all[i].content.size(), word());
    append(file, all[i].link, 4);
    append(file, 0, 4);
    append(file, 1, word());
    append(file, all[i].entry_size, word());
  }
  return file;
}

}  // namespace assay
