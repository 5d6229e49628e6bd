#include "platforms/toml_section.h"

#include <gtest/gtest.h>

#include "platforms/platform_file.h"

namespace assay {
namespace {

std::string repeated(std::string_view part, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

// The parser has no limit of its own for dotted keys, and its tables are freed by recursion.
TEST(ParseToml, KeysHaveALimitOfParts) {
  const std::string deep[] = {
      "a" + repeated(".a", 60'000) + " = 1\n",
      "[a" + repeated(".a", 60'000) + "]\n",
      "a" + repeated(".\"/=\\\"\"", 60'000) + " = 1\n",
      "a" + repeated(".'='", 60'000) + " = 1\n",
      "b = {a" + repeated(" . a", 60'000) + " = 1}\n",
      "b = \"\"\"\n\\\"\"\"\"\nc" + repeated(".a", 60'000) + " = 1\n",
  };
  for (const std::string& text : deep) {
    const auto parsed = parse_toml(text);
    ASSERT_FALSE(parsed) << text.substr(0, 20);
    EXPECT_EQ(parsed.error().reason, Reason::limit_count) << text.substr(0, 20);
  }
}

TEST(ParseToml, DotsInValuesAreNotThoseOfKeys) {
  const std::string dots = repeated(".x", 1000);
  EXPECT_TRUE(parse_toml("a = \"" + dots + "\"\n"));
  EXPECT_TRUE(parse_toml("a = '" + dots + "'\n"));
  EXPECT_TRUE(parse_toml("a = '''" + dots + "\n''" + dots + "'''\n"));
  EXPECT_TRUE(parse_toml("# " + dots + "\na = 1\n"));
  EXPECT_TRUE(parse_toml("a = [" + repeated("1.5, ", 1000) + "]\n"));
}

TEST(ParseToml, NamesAreEncodedInErrors) {
  const auto table = parse_toml("\"\\u001b[31mx\" = 1\n");
  ASSERT_TRUE(table);
  const auto left = TomlSection(&*table, "").nothing_left();
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().detail, "unknown key %1B[31mx");
}

TEST(PlatformFile, UsersAndGroupsAreNumbersOf32Bits) {
  const auto parse = [](const std::string& more) {
    PlatformInputs inputs;
    return parse_platform(
        "schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\n"
        "variant = \"mainline\"\ncmdline = \"quiet\"\n" +
            more,
        "/", "platform", inputs);
  };
  EXPECT_EQ(parse("[subject]\nuid = 4294967295\n")->subject.uid, 4294967295U);
  for (const char* number : {"4294967296", "-1"})
    for (const char* key : {"[subject]\nuid = ", "[subject]\ngid = ", "[[filesystem]]\nuid = ",
                            "[[filesystem]]\ngid = "}) {
      const auto refused = parse(std::string(key) + number + '\n');
      ASSERT_FALSE(refused) << key << number;
      EXPECT_EQ(refused.error().reason, Reason::bad_value);
      EXPECT_TRUE(refused.error().detail.contains("0 to 4294967295")) << refused.error().detail;
    }
  EXPECT_FALSE(parse("[[filesystem]]\nmagic = -1\n"));
}

TEST(PlatformFile, FilesystemsAreTables) {
  PlatformInputs inputs;
  const auto refused = parse_platform(
      "schema = 1\nfilesystem = [1, \"x\"]\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\n"
      "variant = \"mainline\"\ncmdline = \"quiet\"\n",
      "/", "platform", inputs);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().detail.contains("filesystem")) << refused.error().detail;
}

}  // namespace
}  // namespace assay
