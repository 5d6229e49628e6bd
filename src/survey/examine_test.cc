#include "survey/examine.h"

#include <gtest/gtest.h>

#include "testing/temporary_folder.h"

namespace assay {
namespace {

Found file(const TemporaryFolder& folder, const std::string& name, std::size_t size,
           std::uint8_t fill) {
  write_file(folder / name, std::vector<std::uint8_t>(size, fill));
  Found found;
  found.path = folder / name;
  found.inner_name = name;
  return found;
}

std::vector<std::uint8_t> bytes_in(const Content& content) {
  std::vector<std::uint8_t> bytes(content.size());
  EXPECT_TRUE(content.read(0, bytes));
  return bytes;
}

// Whoever looks at one file may look at another meanwhile.
TEST(Examine, ContentStaysWhileAnotherFileIsExamined) {
  const TemporaryFolder folder;
  for (const std::size_t inner_size : {10U, 1000U, 100'000U}) {
    bool seen = false;
    const auto inner = [&](const Examined&, const Content& content) {
      EXPECT_EQ(bytes_in(content), std::vector<std::uint8_t>(inner_size, 2));
      seen = true;
    };
    const auto outer = [&](const Examined&, const Content& content) {
      (void)examine(file(folder, "inner", inner_size, 2), true, {}, inner);
      EXPECT_EQ(bytes_in(content), std::vector<std::uint8_t>(1000, 1));
      EXPECT_EQ(content.memory()->size(), 1000U);
      EXPECT_EQ((*content.memory())[0], 1);
    };
    // The second time around with the buffer of the first.
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(examine(file(folder, "outer", 1000, 1), true, {}, outer));
    EXPECT_TRUE(seen);
  }
}

}  // namespace
}  // namespace assay
