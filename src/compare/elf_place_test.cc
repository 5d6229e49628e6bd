// Places in files that the assembler and the linker made, by what readelf and nm say of them.

#include "compare/elf_place.h"

#include <gtest/gtest.h>

#include "testing/elf_sample.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"
#include "testing/tool.h"

namespace assay {
namespace {

constexpr std::string_view kSource =
    ".text\n.globl first\n.type first,@function\nfirst: .fill 16, 1, 0x90\n.size first, 16\n"
    ".fill 8, 1, 0xcc\n.globl second\n.type second,@function\nsecond: .ascii \"SECOND here\"\n"
    ".size second, . - second\n.data\n.ascii \"no symbol\"\n.bss\n.fill 4096\n";

class ElfPlaceTest : public testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_ / "a.s", std::vector<std::uint8_t>(kSource.begin(), kSource.end()));
    run_tool({"as", "-o", folder_ / "a.o", folder_ / "a.s"});
  }
  // Of the byte `within` bytes behind where `text` stands.
  static std::string place(const std::vector<std::uint8_t>& file, std::string_view text,
                           std::size_t within = 0) {
    const auto found = std::ranges::search(file, text);
    EXPECT_FALSE(found.empty());
    return place_at(file, static_cast<std::size_t>(found.begin() - file.begin()) + within);
  }
  static std::string place_at(const std::vector<std::uint8_t>& file, std::uint64_t offset) {
    const auto place = find_elf_place(MemoryContent(file), offset);
    return place ? place->section + ":" + place->symbol : "none";
  }
  TemporaryFolder folder_;
};

TEST_F(ElfPlaceTest, IsTheSymbolWhoseBytesHaveIt) {
  // Symbols of what can be relocated are within their sections, of what is linked in memory.
  run_tool({"ld", "-e", "first", "-Ttext=0xffffffff81000000", "-o", folder_ / "linked",
            folder_ / "a.o"});
  for (const char* name : {"a.o", "linked"}) {
    const std::vector<std::uint8_t> file = read_file(folder_ / name);
    EXPECT_EQ(place(file, "SECOND here"), ".text:second") << name;
    EXPECT_EQ(place(file, "SECOND here", 10), ".text:second");
    EXPECT_EQ(place(file, "SECOND here", std::size_t{0} - 1), ".text:") << "between two symbols";
    EXPECT_EQ(place(file, "SECOND here", std::size_t{0} - 9), ".text:first");
    EXPECT_EQ(place(file, "SECOND here", std::size_t{0} - 24), ".text:first");
    EXPECT_EQ(place(file, "no symbol"), ".data:");
    EXPECT_EQ(place_at(file, 0), "none") << "the header";
    EXPECT_EQ(place_at(file, file.size()), "none");
    EXPECT_EQ(place_at(file, ~std::uint64_t{0}), "none");
  }
  run_tool({"strip", folder_ / "linked"});
  EXPECT_EQ(place(read_file(folder_ / "linked"), "SECOND here"), ".text:");
}

TEST_F(ElfPlaceTest, IsASectionWhereSymbolsAreLaidOutOtherwise) {
  for (const bool is_64_bit : {true, false})
    for (const bool is_big_endian : {true, false}) {
      ElfSample sample(is_64_bit, is_big_endian);
      sample.sections.push_back({".text", 1, std::vector<std::uint8_t>(100, 'q')});
      sample.add_symbols({{"whole", 0, 100, 1}});
      const bool has_symbol = is_64_bit && !is_big_endian;
      EXPECT_EQ(place(sample.write(), "qqqq"), has_symbol ? ".text:whole" : ".text:");
    }
}

TEST_F(ElfPlaceTest, OfAnythingElseThereIsNone) {
  EXPECT_EQ(place_at({}, 0), "none");
  EXPECT_EQ(place_at(std::vector<std::uint8_t>(4096, 'x'), 100), "none");
  std::vector<std::uint8_t> file = read_file(folder_ / "a.o");
  file.resize(70);
  EXPECT_EQ(place_at(file, 65), "none") << "cut off";
}

}  // namespace
}  // namespace assay
