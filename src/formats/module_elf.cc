#include "formats/module_elf.h"

#include <fmt/format.h>

#include <vector>

#include "base/limits.h"
#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kSectionHeaderSize = 64;
constexpr unsigned kRelocatable = 1;  // ET_REL
constexpr std::uint32_t kNull = 0;    // SHT_NULL
constexpr std::uint32_t kSymbols = 2;
constexpr std::uint32_t kStrings = 3;
constexpr std::uint32_t kNoBits = 8;

struct Section {
  std::uint32_t name = 0;
  std::uint32_t type = 0;
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint32_t link = 0;

  bool has_content() const { return type != kNull && type != kNoBits; }
};

template <std::size_t Size>
class Words {
 public:
  Words(View view, bool big) : record_(view), big_(big) {}
  template <std::size_t At>
  std::uint16_t u16() const {
    return big_ ? record_.template be16<At>() : record_.template le16<At>();
  }
  template <std::size_t At>
  std::uint32_t u32() const {
    return big_ ? record_.template be32<At>() : record_.template le32<At>();
  }
  template <std::size_t At>
  std::uint64_t u64() const {
    return big_ ? record_.template be64<At>() : record_.template le64<At>();
  }

 private:
  Record<Size> record_;
  bool big_;
};

class ModuleElfReader {
 public:
  ModuleElfReader(const Content& content, std::uint64_t size) : content_(content), size_(size) {}

  Result<ModuleElf> read() && {
    ASSAY_TRY(const bool readable, read_header());
    if (!readable) return std::move(elf_);
    ASSAY_CHECK(read_sections());
    if (elf_.fault != ModuleElfFault::none) return std::move(elf_);
    ASSAY_CHECK(check_names());
    if (elf_.fault != ModuleElfFault::none) return std::move(elf_);
    ASSAY_CHECK(check_parts());
    return std::move(elf_);
  }

 private:
  void fault(ModuleElfFault fault, Extent where, std::string detail) {
    if (elf_.fault == ModuleElfFault::none) {
      elf_.fault = fault;
      elf_.where = where;
      elf_.detail = std::move(detail);
    }
  }

  Result<View> bytes(std::uint64_t offset, std::uint64_t size) {
    return view_of(content_, offset, size, scratch_);
  }

  Result<bool> read_header() {
    if (size_ < kHeaderSize) {
      fault(ModuleElfFault::header, {0, size_}, fmt::format("{} bytes", size_));
      return false;
    }
    ASSAY_TRY(const View view, bytes(0, kHeaderSize));
    if (!view.text().starts_with("\x7f"
                                 "ELF")) {
      fault(ModuleElfFault::header, {0, 4}, "no ELF magic");
      return false;
    }
    big_ = view[5] == 2;  // EI_DATA
    const Words<kHeaderSize> header(view, big_);
    elf_.machine = header.u16<18>();
    if (header.u16<16>() != kRelocatable) {
      fault(ModuleElfFault::header, {16, 2}, fmt::format("e_type {}", header.u16<16>()));
      return false;
    }
    table_ = header.u64<40>();
    count_ = header.u16<60>();
    names_ = header.u16<62>();
    if (header.u16<58>() != kSectionHeaderSize) {
      fault(ModuleElfFault::sections, {58, 2}, fmt::format("e_shentsize {}", header.u16<58>()));
      return false;
    }
    if (table_ >= size_ || count_ * kSectionHeaderSize > size_ - table_) {
      fault(ModuleElfFault::sections, {table_, count_ * kSectionHeaderSize},
            fmt::format("{} section headers at {} of {} bytes", count_, table_, size_));
      return false;
    }
    return true;
  }

  Result<void> read_sections() {
    ASSAY_TRY(const View table, bytes(table_, count_ * kSectionHeaderSize));
    sections_.reserve(count_);
    for (std::size_t i = 0; i < count_; ++i) {
      const Words<kSectionHeaderSize> header(table.sub(i * kSectionHeaderSize, kSectionHeaderSize),
                                             big_);
      Section section{header.u32<0>(),  header.u32<4>(),  header.u64<16>(),
                      header.u64<24>(), header.u64<32>(), header.u32<40>()};
      sections_.push_back(section);
    }
    if (sections_.empty()) {
      fault(ModuleElfFault::names, {60, 4}, "no sections");
      return {};
    }
    const Section& first = sections_[0];
    if (first.type != kNull || first.size != 0 || first.address != 0)
      fault(ModuleElfFault::section_zero, {table_, kSectionHeaderSize},
            fmt::format("type {}, {} bytes", first.type, first.size));
    for (std::size_t i = 1; i < sections_.size(); ++i) {
      const Section& section = sections_[i];
      if (section.has_content() && !lies_inside(section.offset, section.size, size_))
        fault(ModuleElfFault::sections, {section.offset, section.size},
              fmt::format("section {}", i));
    }
    return {};
  }

  Result<void> check_names() {
    if (names_ == 0 || names_ >= sections_.size()) {
      fault(ModuleElfFault::names, {62, 2}, fmt::format("e_shstrndx {}", names_));
      return {};
    }
    const Section& names = sections_[names_];
    if (!names.has_content() || !lies_inside(names.offset, names.size, size_) || names.size == 0) {
      fault(ModuleElfFault::names, {names.offset, names.size}, "no table of section names");
      return {};
    }
    ASSAY_TRY(const View last, bytes(names.offset + names.size - 1, 1));
    if (last[0] != 0) {
      fault(ModuleElfFault::names, {names.offset + names.size - 1, 1}, "not NUL-terminated");
      return {};
    }
    for (std::size_t i = 1; i < sections_.size(); ++i)
      if (sections_[i].type != kNull && sections_[i].name >= names.size)
        fault(ModuleElfFault::names, {table_ + i * kSectionHeaderSize, 4},
              fmt::format("section {}", i));
    return {};
  }

  Result<bool> is_named(const Section& section, std::string_view wanted) {
    const Section& names = sections_[names_];
    if (names.size - section.name <= wanted.size()) return false;
    ASSAY_TRY(const View name, bytes(names.offset + section.name, wanted.size() + 1));
    return name.text() == std::string(wanted) + '\0';
  }

  Result<void> check_parts() {
    bool has_this_module = false;
    std::size_t symbol_tables = 0;
    const Section* symbols = nullptr;
    for (const Section& section : sections_) {
      if (section.type == kNull) continue;
      if (section.type == kSymbols) {
        ++symbol_tables;
        symbols = &section;
      }
      ASSAY_TRY(const bool is_this_module, is_named(section, ".gnu.linkonce.this_module"));
      has_this_module |= is_this_module && section.type != kNoBits;
      ASSAY_TRY(const bool is_versions, is_named(section, "__versions"));
      elf_.has_versions |= is_versions;
      ASSAY_TRY(const bool is_modinfo, is_named(section, ".modinfo"));
      if (is_modinfo && section.has_content()) ASSAY_CHECK(read_modinfo(section));
    }
    if (!has_this_module) fault(ModuleElfFault::this_module, {}, "");
    if (symbol_tables != 1)
      fault(ModuleElfFault::symbols, {}, fmt::format("{} symbol tables", symbol_tables));
    else if (symbols->link == 0 || symbols->link >= sections_.size() ||
             sections_[symbols->link].type != kStrings)
      fault(ModuleElfFault::strings, {}, fmt::format("sh_link {}", symbols->link));
    return {};
  }

  Result<void> read_modinfo(const Section& section) {
    if (section.size > limits::kElfStrings)
      return fail(Reason::limit_size, {section.offset, section.size}, ".modinfo");
    ASSAY_TRY(const View view, bytes(section.offset, section.size));
    std::string_view text = view.text();
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\0'), text.size());
      const std::string_view entry = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      const std::size_t equals = entry.find('=');
      if (equals != entry.npos)
        elf_.modinfo.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    }
    return {};
  }

  const Content& content_;
  std::uint64_t size_;
  std::vector<std::uint8_t> scratch_;
  bool big_ = false;
  std::uint64_t table_ = 0;
  std::size_t count_ = 0;
  std::size_t names_ = 0;
  std::vector<Section> sections_;
  ModuleElf elf_;
};

}  // namespace

std::optional<std::string_view> ModuleElf::find(std::string_view key) const {
  const auto found = modinfo.lower_bound(key);
  if (found == modinfo.end() || found->first != key) return std::nullopt;
  return found->second;
}

Result<ModuleElf> read_module_elf(const Content& content, std::uint64_t size) {
  return ModuleElfReader(content, size).read();
}

}  // namespace assay
