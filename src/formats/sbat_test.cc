// Expected results are those of shim's sbat.c and csv.c for the same bytes.

#include "formats/sbat.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

View view(std::string_view text) { return View(bytes_of(text), 100); }

constexpr std::string_view kShim =
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
    "shim,4,UEFI shim,shim,1,https://github.com/rhboot/shim\n"
    "shim.debian,1,Debian,shim,15.8,https://tracker.debian.org/pkg/shim\n";

TEST(Sbat, Section) {
  const auto entries = parse_sbat(view(kShim));
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[1].component, "shim");
  EXPECT_EQ((*entries)[1].generation, 4);
  EXPECT_EQ((*entries)[2].vendor, "Debian");
  EXPECT_EQ((*entries)[2].package, "shim");
  EXPECT_EQ((*entries)[2].version, "15.8");
  EXPECT_EQ((*entries)[2].url, "https://tracker.debian.org/pkg/shim");
}

TEST(Sbat, Lines) {
  struct Case {
    std::string_view name;
    std::string_view text;
    int entries;  // -1: refused
  };
  using namespace std::string_view_literals;
  const Case cases[] = {
      {"nothing", "", 0},
      {"NUL first", "\0a,1,b,c,d,e\n"sv, 0},
      {"no line end", "a,1,b,c,d,e", 1},
      {"CR LF", "a,1,b,c,d,e\r\nf,1,b,c,d,e\r\n", 2},
      {"empty lines", "\n\na,1,b,c,d,e\n\n\nf,1,b,c,d,e\n\n", 2},
      {"byte order mark",
       "\xEF\xBB\xBF"
       "a,1,b,c,d,e\n",
       1},
      {"padding", "a,1,b,c,d,e\n\0\0\0\0"sv, 1},
      {"behind a NUL", "a,1,b,c,d,e\n\0x\n"sv, 1},
      {"seven columns", "a,1,b,c,d,e,f\n", 1},
      {"five columns", "a,1,b,c,d\n", -1},
      {"one column", "a\n", -1},
      {"empty column", "a,1,,c,d,e\n", -1},
      {"empty last column", "a,1,b,c,d,\n", -1},
      {"second line short", "a,1,b,c,d,e\nf,1\n", -1},
  };
  for (const Case& one : cases) {
    const auto entries = parse_sbat(view(one.text));
    EXPECT_EQ(entries ? static_cast<int>(entries->size()) : -1, one.entries) << one.name;
  }
  const auto refused = parse_sbat(view("a,1,b,c,d,e\nf,1\n"));
  EXPECT_EQ(refused.error().where, (Extent{112, 3}));
}

TEST(Sbat, Generations) {
  struct Case {
    std::string_view text;
    std::uint16_t generation;
  };
  const Case cases[] = {{"0", 0},  {"7", 7},      {"12x", 12},      {"x", 0},     {" 3", 3},
                        {"+4", 4}, {"-1", 65535}, {"65535", 65535}, {"65536", 0}, {"65537", 1}};
  for (const Case& one : cases) {
    const auto entries = parse_sbat(view("a," + std::string(one.text) + ",b,c,d,e\n"));
    ASSERT_TRUE(entries) << one.text;
    EXPECT_EQ((*entries)[0].generation, one.generation) << one.text;
  }
}

TEST(Sbat, Revocation) {
  struct Case {
    std::string_view name;
    std::string_view level;
    std::string_view component;  // that is revoked; empty: none
  };
  const Case cases[] = {
      {"no level", "", ""},
      {"Debian's first", "sbat,1,2021030218\n", ""},
      {"equal", "sbat,1,2024010900\nshim,4\n", ""},
      {"newer", "sbat,1,2025051000\nshim,5\ngrub,5\n", "shim"},
      {"other component", "sbat,1,2025051000\ngrub,5\n", ""},
      {"vendor's", "sbat,1,2022\nshim.debian,2\n", "shim.debian"},
      {"longer name", "sbat,1,2022\nshim.d,2\n", ""},
      {"the first line counts", "shim,1\nshim,9\n", ""},
  };
  const auto entries = parse_sbat(view(kShim));
  for (const Case& one : cases) {
    const auto level = parse_sbat_level(view(one.level));
    ASSERT_TRUE(level) << one.name;
    const auto conflict = find_revoked(*entries, *level);
    EXPECT_EQ(conflict ? conflict->entry->component : "", one.component) << one.name;
  }
}

TEST(Sbat, LevelColumns) {
  const auto level = parse_sbat_level(view("sbat,1,2024010900\nshim,4\n"));
  ASSERT_TRUE(level);
  EXPECT_EQ((*level)[0].date, "2024010900");
  EXPECT_EQ((*level)[1].least_generation, 4);
  EXPECT_FALSE(parse_sbat_level(view("shim\n")));
  EXPECT_FALSE(parse_sbat_level(view("component,2,\n")));
}

}  // namespace
}  // namespace assay
