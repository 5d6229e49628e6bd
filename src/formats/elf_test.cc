#include "formats/elf.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "formats/elf_module.h"
#include "testing/der.h"
#include "testing/elf_sample.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Class and byte order: ELF32 and ELF64, little and big endian.
class ElfKind : public testing::TestWithParam<std::pair<bool, bool>> {
 protected:
  ElfSample sample() const {
    ElfSample elf(GetParam().first, GetParam().second);
    elf.sections = {
        {".text", 1, Bytes(32, 0x90), 0x1000, 0, 0},
        {".modinfo", 1, der::bytes(std::string("vermagic=6.1.0 SMP\0name=m\0", 26)), 0, 0, 0},
        {".bss", elf::kNoBits, {}, 0x2000, 0, 0}};
    elf.segments = {{elf::kLoad, 64, 0x1000, 100},
                    {elf::kInterpreter, 0, 0x1000, 4},
                    {elf::kLoad, 164, 0x8000, 10}};
    elf.add_symbols({{"first", 0x1010, 8, 1}, {"second", 0x1018, 4, 1}, {"", 1, 1, 1}});
    return elf;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, ElfKind,
                         testing::Values(std::pair(false, false), std::pair(false, true),
                                         std::pair(true, false), std::pair(true, true)));

TEST_P(ElfKind, HeaderSectionsSegmentsSymbols) {
  const Bytes file = sample().write();
  const ViewContent content{View(file)};
  const auto opened = Elf::open(content);
  ASSERT_TRUE(opened && *opened);
  const Elf& elf = **opened;
  EXPECT_EQ(elf.is_64_bit(), GetParam().first);
  EXPECT_EQ(elf.is_big_endian(), GetParam().second);
  EXPECT_EQ(elf.type(), elf::kRelocatable);
  EXPECT_EQ(elf.machine(), 62);
  ASSERT_EQ(elf.sections().size(), 7U);
  ASSERT_EQ(elf.segments().size(), 3U);
  EXPECT_EQ(elf.name_of(elf.sections()[0]), "");

  const ElfSection* text = elf.find_section(".text");
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text->address, 0x1000U);
  EXPECT_EQ(text->size, 32U);
  Bytes scratch;
  EXPECT_EQ(elf.read_section(*text, scratch)->extent(), (Extent{text->offset, 32}));
  EXPECT_EQ(elf.read_section(*text, scratch)->bytes()[0], 0x90);
  EXPECT_TRUE(elf.read_section(*elf.find_section(".bss"), scratch)->empty());
  EXPECT_EQ(elf.find_section(".tex"), nullptr);
  EXPECT_EQ(elf.find_section("text"), nullptr);

  const std::string_view names[] = {"second", "absent", "first"};
  const auto symbols = elf.find_symbols(names);
  ASSERT_TRUE(symbols);
  EXPECT_EQ((*symbols)[0]->value, 0x1018U);
  EXPECT_EQ((*symbols)[0]->size, 4U);
  EXPECT_EQ((*symbols)[2]->section, 1);
  EXPECT_FALSE((*symbols)[1]);

  EXPECT_EQ(elf.offset_of(0x1000), 64U);
  EXPECT_EQ(elf.offset_of(0x1063), 163U);
  EXPECT_EQ(elf.offset_of(0x1064), std::nullopt);
  EXPECT_EQ(elf.offset_of(0x8009), 173U);
  EXPECT_EQ(elf.offset_of(0x0FFF), std::nullopt);
}

TEST_P(ElfKind, ContentNeedNotBeInMemory) {
  const Bytes file = sample().write();
  struct NotInMemory final : Content {
    explicit NotInMemory(View view) : inner(view) {}
    std::uint64_t size() const override { return inner.size(); }
    Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
      return inner.read(offset, out);
    }
    ViewContent inner;
  };
  const auto module = read_elf_module(NotInMemory(View(file)));
  ASSERT_TRUE(module && *module);
  EXPECT_EQ((*module)->vermagic, "6.1.0 SMP");
}

TEST_P(ElfKind, EveryTruncationIsAnErrorOrNoElf) {
  const Bytes whole = sample().write();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes file(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto elf = Elf::open(ViewContent(View(file)));
    if (size < 52) {
      EXPECT_TRUE(elf && !*elf) << size;
    } else {
      EXPECT_FALSE(elf) << size;
    }
  }
}

TEST_P(ElfKind, HeaderFieldsOutOfRange) {
  const ElfSample elf = sample();
  const Bytes good = elf.write();
  const std::size_t word = elf.word();
  const std::size_t halves = elf.header_size() - 12;
  const std::uint64_t most = GetParam().first ? ~std::uint64_t{0} : 0xFFFFFFFF;
  struct Case {
    std::string_view name;
    std::size_t at;
    std::size_t width;
    std::uint64_t value;
    bool opens;
  };
  const Case cases[] = {
      {"EI_CLASS 0", 4, 1, 0, false},
      {"EI_CLASS 3", 4, 1, 3, false},
      {"EI_DATA 0", 5, 1, 0, false},
      {"EI_DATA 3", 5, 1, 3, false},
      {"e_phoff at the end", 24 + word, word, good.size(), false},
      {"e_phoff largest", 24 + word, word, most, false},
      {"e_phentsize 0", halves + 2, 2, 0, false},
      {"e_phentsize one too small", halves + 2, 2, GetParam().first ? 55U : 31U, false},
      {"e_phentsize largest", halves + 2, 2, 0xFFFF, false},
      {"e_phnum 0", halves + 4, 2, 0, true},
      {"e_phnum largest", halves + 4, 2, 0xFFFF, false},
      {"e_shoff at the end", 24 + 2 * word, word, good.size(), false},
      {"e_shoff one too far", 24 + 2 * word, word, elf.section_table(good) + 1, false},
      {"e_shoff largest", 24 + 2 * word, word, most, false},
      {"e_shentsize 0", halves + 6, 2, 0, false},
      {"e_shentsize one too small", halves + 6, 2, elf.section_size() - 1, false},
      {"e_shentsize one too large", halves + 6, 2, elf.section_size() + 1, false},
      {"e_shentsize largest", halves + 6, 2, 0xFFFF, false},
      {"e_shnum 0", halves + 8, 2, 0, true},
      {"e_shnum one too many", halves + 8, 2, 8, false},
      {"e_shnum largest", halves + 8, 2, 0xFFFF, false},
      {"e_shstrndx beyond the sections", halves + 10, 2, 7, true},
      {"e_shstrndx largest", halves + 10, 2, 0xFFFF, true},
      {"e_shstrndx of another section", halves + 10, 2, 1, true},
  };
  for (const Case& one : cases) {
    Bytes file = good;
    elf.put(file, one.at, one.value, one.width);
    const auto opened = Elf::open(ViewContent(View(file)));
    EXPECT_EQ(opened && *opened, one.opens) << one.name;
    const auto module = read_elf_module(ViewContent(View(file)));
    if (!one.opens) {
      EXPECT_FALSE(module) << one.name;
    }
  }
}

TEST_P(ElfKind, SectionFieldsOutOfRange) {
  const ElfSample elf = sample();
  const Bytes good = elf.write();
  const std::size_t word = elf.word();
  const std::uint64_t most = GetParam().first ? ~std::uint64_t{0} : 0xFFFFFFFF;
  const std::size_t text = elf.section_table(good) + elf.section_size();
  const std::size_t offset = 8 + 2 * word;
  const std::size_t size = offset + word;
  struct Case {
    std::string_view name;
    std::size_t at;
    std::uint64_t value;
  };
  const Case cases[] = {
      {"sh_offset behind the end", offset, good.size() + 1},
      {"sh_offset largest", offset, most},
      {"sh_offset 31 before the end", offset, good.size() - 31},
      {"sh_size largest", size, most},
      {"sh_size of the file", size, good.size()},
  };
  for (const Case& one : cases) {
    Bytes file = good;
    elf.put(file, text + one.at, one.value, word);
    const ViewContent content{View(file)};
    const auto opened = Elf::open(content);
    ASSERT_TRUE(opened && *opened) << one.name;
    Bytes scratch;
    EXPECT_FALSE((*opened)->read_section((*opened)->sections()[1], scratch)) << one.name;
  }
  Bytes file = good;
  elf.put(file, text, 0xFFFFFFFF, 4);
  const ViewContent content{View(file)};
  const auto opened = Elf::open(content);
  ASSERT_TRUE(opened && *opened);
  EXPECT_EQ((*opened)->name_of((*opened)->sections()[1]), "");
  EXPECT_EQ((*opened)->find_section(".text"), nullptr);
}

TEST_P(ElfKind, SymbolTablesOutOfRange) {
  const ElfSample elf = sample();
  const Bytes good = elf.write();
  const std::size_t word = elf.word();
  const std::uint64_t most = GetParam().first ? ~std::uint64_t{0} : 0xFFFFFFFF;
  const std::size_t table = elf.section_table(good) + 4 * elf.section_size();
  const std::size_t strings = table + elf.section_size();
  struct Case {
    std::string_view name;
    std::size_t at;
    std::size_t width;
    std::uint64_t value;
    bool reads;
  };
  const Case cases[] = {
      {"entry size 1", table + 8 + 4 * word + 8 + word, word, 1, false},
      {"entry size 0", table + 8 + 4 * word + 8 + word, word, 0, false},
      {"link beyond the sections", table + 8 + 4 * word, 4, 0xFFFF, true},
      {"offset largest", table + 8 + 2 * word, word, most, false},
      {"size largest", table + 8 + 3 * word, word, most, false},
      {"size of half an entry", table + 8 + 3 * word, word, 8, true},
      {"names larger than the limit", strings + 8 + 3 * word, word, limits::kSymbolStrings + 1,
       false},
      {"names outside", strings + 8 + 2 * word, word, most, false},
  };
  const std::string_view names[] = {"first"};
  for (const Case& one : cases) {
    Bytes file = good;
    elf.put(file, one.at, one.value, one.width);
    const ViewContent content{View(file)};
    const auto opened = Elf::open(content);
    ASSERT_TRUE(opened && *opened) << one.name;
    const auto symbols = (*opened)->find_symbols(names);
    ASSERT_EQ(symbols.has_value(), one.reads) << one.name;
    if (symbols) {
      EXPECT_FALSE((*symbols)[0]) << one.name;
    }
  }
}

// Names share their ends. Looking for the end of each would read 2^16 x 2 MiB here, and 10^5 x 8
// MiB.
TEST(Elf, LongNamesTakeNoTime) {
  ElfSample elf(true, false);
  elf.sections.assign(60'000, {.name = ""});
  elf.sections.push_back({.name = std::string(2 << 20, 'x')});
  Bytes file = elf.write();
  const std::size_t table = elf.section_table(file);
  for (std::size_t i = 1; i < 60'000; ++i)
    elf.put(file, table + i * elf.section_size(), 1 + i % 1000, 4);
  const ViewContent content{View(file)};
  const auto opened = Elf::open(content);
  ASSERT_TRUE(opened && *opened);
  EXPECT_EQ((*opened)->find_section(".modinfo"), nullptr);
  for (const ElfSection& section : (*opened)->sections())
    ASSERT_LE((*opened)->name_of(section).size(), limits::kElfName);

  ElfSample with_symbols(true, false);
  std::vector<ElfSampleSymbol> symbols(100'000, {.name = ""});
  symbols.push_back({.name = std::string(8 << 20, 'x'), .value = 1});
  symbols.push_back({.name = "last", .value = 7});
  with_symbols.add_symbols(symbols);
  Bytes symbol_file = with_symbols.write();
  const ViewContent symbol_content{View(symbol_file)};
  const auto symbol_elf = Elf::open(symbol_content);
  ASSERT_TRUE(symbol_elf && *symbol_elf);
  const ElfSection& symbol_table = (*symbol_elf)->sections()[1];
  for (std::size_t i = 1; i < 100'000; ++i)
    with_symbols.put(symbol_file, symbol_table.offset + i * 24, 1 + i % 1000, 4);
  const std::string_view names[] = {"xx", "last"};
  const auto found = (*symbol_elf)->find_symbols(names);
  ASSERT_TRUE(found);
  EXPECT_FALSE((*found)[0]);
  ASSERT_TRUE((*found)[1]);
  EXPECT_EQ((*found)[1]->value, 7U);
}

TEST(Elf, OtherFilesAreNone) {
  for (const Bytes& bytes :
       {Bytes(), Bytes(200, 0), der::bytes(std::string(100, 'E')), der::from_hex("7f454c46")})
    EXPECT_TRUE(Elf::open(ViewContent(View(bytes))) && !*Elf::open(ViewContent(View(bytes))));
}

TEST(ElfModule, ReadsWhatTheModuleSays) {
  struct Case {
    std::string_view name;
    std::string info;
    std::string vermagic, module_name, version, release;
  };
  using namespace std::string_literals;
  const Case cases[] = {
      {"usual", "license=GPL\0vermagic=6.1.0-56-amd64 SMP preempt\0name=ext4\0version=1.2\0"s,
       "6.1.0-56-amd64 SMP preempt", "ext4", "1.2", "6.1.0-56-amd64"},
      {"no end", "name=ext4"s, "", "ext4", "", ""},
      {"padding between", "\0\0name=ext4\0\0\0\0vermagic=6.1\0"s, "6.1", "ext4", "", "6.1"},
      {"the first counts", "name=a\0name=b\0"s, "", "a", "", ""},
      {"a key that starts alike", "srcversion=X\0versions=9\0depname=z\0"s, "", "", "", ""},
      {"empty", ""s, "", "", "", ""},
  };
  for (const Case& one : cases) {
    ElfSample elf(true, false);
    elf.machine = 183;
    elf.sections = {{".modinfo", 1, der::bytes(one.info), 0, 0, 0}};
    const Bytes file = elf.write();
    const auto module = read_elf_module(ViewContent(View(file)));
    ASSERT_TRUE(module && *module) << one.name;
    EXPECT_EQ((*module)->arch, Arch::arm64);
    EXPECT_EQ((*module)->vermagic, one.vermagic) << one.name;
    EXPECT_EQ((*module)->name, one.module_name) << one.name;
    EXPECT_EQ((*module)->version, one.version) << one.name;
    EXPECT_EQ((*module)->release(), one.release) << one.name;
  }
}

TEST(ElfModule, OtherElfFilesAreNone) {
  ElfSample elf(true, false);
  const auto none = [](const ElfSample& sample) {
    const Bytes file = sample.write();
    const auto module = read_elf_module(ViewContent(View(file)));
    return module && !*module;
  };
  EXPECT_TRUE(none(elf));  // without .modinfo
  elf.sections = {{".modinfo", 1, der::bytes("name=x"), 0, 0, 0}};
  EXPECT_FALSE(none(elf));
  elf.type = elf::kShared;
  EXPECT_TRUE(none(elf));
}

TEST(Arch, NamesAndMachines) {
  struct Case {
    Arch arch;
    std::vector<std::string_view> names;
    unsigned machine;
  };
  // include/uapi/linux/elf-em.h; dpkg --print-architecture; uname -m.
  const Case cases[] = {{Arch::x86_64, {"x86_64", "amd64"}, 62},
                        {Arch::arm64, {"arm64", "aarch64"}, 183},
                        {Arch::s390x, {"s390x"}, 22},
                        {Arch::ppc64le, {"ppc64le", "ppc64el", "powerpc64le"}, 21},
                        {Arch::riscv64, {"riscv64"}, 243}};
  for (const Case& one : cases) {
    EXPECT_EQ(arch_name(one.arch), one.names[0]);
    for (const std::string_view name : one.names) EXPECT_EQ(find_arch(name), one.arch) << name;
    EXPECT_EQ(arch_of_elf_machine(one.machine), one.arch);
    EXPECT_EQ(is_big_endian(one.arch), one.arch == Arch::s390x);
  }
  EXPECT_FALSE(find_arch("i386"));
  EXPECT_FALSE(find_arch(""));
  EXPECT_FALSE(arch_of_elf_machine(3));
}

}  // namespace
}  // namespace assay
