#include "formats/elf.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::uint8_t kMagic[] = {0x7F, 'E', 'L', 'F'};
constexpr std::size_t kHeaderSize64 = 64;
constexpr std::size_t kHeaderSize32 = 52;

// Whether the name at `offset` of a string table is `name`. Compared where it stands: names share
// their ends, so that looking for the end of each would take the square of the table's size.
bool has_name(std::string_view table, std::uint64_t offset, std::string_view name) {
  if (offset >= table.size()) return false;
  const std::string_view rest = table.substr(offset);
  return rest.starts_with(name) && (rest.size() == name.size() || rest[name.size()] == '\0');
}

}  // namespace

// The caller has compared offset and size with the record.
std::uint64_t Elf::number(View bytes, std::size_t offset, std::size_t size) const {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t byte = bytes[offset + i];
    value |= byte << 8 * (is_big_endian_ ? size - 1 - i : i);
  }
  return value;
}

Result<std::optional<Elf>> Elf::open(const Content& content) {
  std::vector<std::uint8_t> scratch;
  const std::uint64_t size = std::min<std::uint64_t>(content.size(), kHeaderSize64);
  ASSAY_TRY(const View header, view_of(content, 0, size, scratch));
  if (header.size() < kHeaderSize32 || !std::ranges::equal(header.bytes().first(4), kMagic))
    return std::nullopt;
  Elf elf(content);
  ASSAY_CHECK(elf.read_header(header));
  return elf;
}

Result<void> Elf::read_header(View header) {
  const std::uint8_t elf_class = header[4];
  const std::uint8_t data = header[5];
  if ((elf_class != 1 && elf_class != 2) || (data != 1 && data != 2))
    return fail(Reason::bad_value, {4, 2}, fmt::format("EI_CLASS {}, EI_DATA {}", elf_class, data));
  is_64_bit_ = elf_class == 2;
  is_big_endian_ = data == 2;
  if (is_64_bit_ && header.size() < kHeaderSize64)
    return fail(Reason::truncated, header.extent(),
                fmt::format("{} bytes needed, {} left", kHeaderSize64, header.size()));
  type_ = static_cast<std::uint16_t>(number(header, 16, 2));
  machine_ = static_cast<std::uint16_t>(number(header, 18, 2));
  const std::uint64_t segments = is_64_bit_ ? number(header, 32, 8) : number(header, 28, 4);
  const std::uint64_t sections = is_64_bit_ ? number(header, 40, 8) : number(header, 32, 4);
  const std::size_t counts =
      is_64_bit_ ? 54 : 42;  // e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx
  const auto half = [&](std::size_t index) {
    return static_cast<std::uint16_t>(number(header, counts + 2 * index, 2));
  };
  ASSAY_CHECK(read_segments(segments, half(1), half(0)));
  return read_sections(sections, half(3), half(2), half(4));
}

Result<void> Elf::read_segments(std::uint64_t offset, std::uint16_t count,
                                std::uint16_t entry_size) {
  if (count == 0) return {};
  if (entry_size != (is_64_bit_ ? 56 : 32))
    return fail(Reason::bad_value, {offset, 0}, fmt::format("e_phentsize {}", entry_size));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View table,
            view_of(*content_, offset, std::uint64_t{count} * entry_size, scratch));
  for (std::size_t i = 0; i < count; ++i) {
    const View row = table.sub(i * entry_size, entry_size);
    ElfSegment segment;
    segment.type = static_cast<std::uint32_t>(number(row, 0, 4));
    segment.flags = static_cast<std::uint32_t>(number(row, is_64_bit_ ? 4 : 24, 4));
    segment.offset = is_64_bit_ ? number(row, 8, 8) : number(row, 4, 4);
    segment.address = is_64_bit_ ? number(row, 16, 8) : number(row, 8, 4);
    segment.file_size = is_64_bit_ ? number(row, 32, 8) : number(row, 16, 4);
    segments_.push_back(segment);
  }
  return {};
}

Result<void> Elf::read_sections(std::uint64_t offset, std::uint16_t count, std::uint16_t entry_size,
                                std::uint16_t names) {
  if (count == 0) return {};
  if (entry_size != (is_64_bit_ ? 64 : 40))
    return fail(Reason::bad_value, {offset, 0}, fmt::format("e_shentsize {}", entry_size));
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View table,
            view_of(*content_, offset, std::uint64_t{count} * entry_size, scratch));
  sections_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const View row = table.sub(i * entry_size, entry_size);
    const std::size_t word = is_64_bit_ ? 8 : 4;
    const std::size_t at = 8 + word;  // sh_addr follows sh_name, sh_type, sh_flags
    ElfSection section;
    section.name = static_cast<std::uint32_t>(number(row, 0, 4));
    section.type = static_cast<std::uint32_t>(number(row, 4, 4));
    section.address = number(row, at, word);
    section.offset = number(row, at + word, word);
    section.size = number(row, at + 2 * word, word);
    section.link = static_cast<std::uint32_t>(number(row, at + 3 * word, 4));
    section.entry_size = number(row, at + 3 * word + 8 + word, word);
    sections_.push_back(section);
  }
  if (names >= sections_.size()) return {};
  // A module's section names have a few KiB; what is longer is not looked at.
  const ElfSection& strings = sections_[names];
  std::vector<std::uint8_t> name_scratch;
  ASSAY_TRY(const View text, view_of(*content_, strings.offset,
                                     std::min(strings.size, limits::kElfStrings), name_scratch));
  section_names_.assign(text.bytes().begin(), text.bytes().end());
  return {};
}

std::string_view Elf::name_of(const ElfSection& section) const {
  if (section.name >= section_names_.size()) return {};
  const std::string_view rest =
      View(section_names_).text().substr(section.name, limits::kElfName + 1);
  const std::size_t end = std::min(rest.find('\0'), rest.size());
  return end > limits::kElfName ? std::string_view() : rest.substr(0, end);
}

const ElfSection* Elf::find_section(std::string_view name) const {
  for (const ElfSection& section : sections_)
    if (has_name(View(section_names_).text(), section.name, name)) return &section;
  return nullptr;
}

Result<View> Elf::read_section(const ElfSection& section,
                               std::vector<std::uint8_t>& scratch) const {
  if (section.type == elf::kNoBits) return View();
  return view_of(*content_, section.offset, section.size, scratch);
}

Result<std::vector<std::optional<ElfSymbol>>> Elf::find_symbols(
    std::span<const std::string_view> names) const {
  std::vector<std::optional<ElfSymbol>> found(names.size());
  const auto table = std::ranges::find(sections_, elf::kSymbolTable, &ElfSection::type);
  if (table == sections_.end() || table->link >= sections_.size()) return found;
  const ElfSection& strings = sections_[table->link];
  const std::size_t entry_size = is_64_bit_ ? 24 : 16;
  if (table->entry_size != entry_size)
    return fail(Reason::bad_value, {table->offset, 0},
                fmt::format("sh_entsize {}, expected {}", table->entry_size, entry_size));
  if (strings.size > limits::kSymbolStrings)
    return fail(Reason::limit_size, {strings.offset, strings.size},
                fmt::format("symbol names of {} bytes", strings.size));

  std::vector<std::uint8_t> string_scratch;
  ASSAY_TRY(const View text_view, view_of(*content_, strings.offset, strings.size, string_scratch));
  const std::string_view text = text_view.text();
  constexpr std::uint64_t kPiece = 4096;  // entries
  std::vector<std::uint8_t> scratch;
  const std::uint64_t count = table->size / entry_size;
  for (std::uint64_t first = 0; first < count; first += kPiece) {
    const std::uint64_t step = std::min(kPiece, count - first);
    ASSAY_TRY(const View piece,
              view_of(*content_, table->offset + first * entry_size, step * entry_size, scratch));
    for (std::size_t i = 0; i < step; ++i) {
      const View row = piece.sub(i * entry_size, entry_size);
      const std::uint64_t name_offset = number(row, 0, 4);
      const auto wanted = std::ranges::find_if(
          names, [&](std::string_view name) { return has_name(text, name_offset, name); });
      if (wanted == names.end()) continue;
      ElfSymbol symbol;
      symbol.value = is_64_bit_ ? number(row, 8, 8) : number(row, 4, 4);
      symbol.size = is_64_bit_ ? number(row, 16, 8) : number(row, 8, 4);
      symbol.section =
          static_cast<std::uint16_t>(is_64_bit_ ? number(row, 6, 2) : number(row, 14, 2));
      found[static_cast<std::size_t>(wanted - names.begin())] = symbol;
    }
  }
  return found;
}

std::optional<std::uint64_t> Elf::offset_of(std::uint64_t address) const {
  for (const ElfSegment& segment : segments_)
    if (segment.type == elf::kLoad && address >= segment.address &&
        address - segment.address < segment.file_size)
      return segment.offset + (address - segment.address);
  return std::nullopt;
}

}  // namespace assay
