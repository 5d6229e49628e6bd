#include "bytes/runs_content.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

namespace assay {
namespace {

std::vector<std::uint8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

TEST(RunsContent, PiecesAndHolesAreOneFile) {
  const MemoryContent image(bytes("..BC....A..DE"));
  const RunsContent file(image, {{0, 1, 8}, {1, 2, 2}, {3, 2, std::nullopt}, {7, 2, 11}}, 10);
  const std::string whole("ABC\0\0\0\0DE\0", 10);
  EXPECT_TRUE(rc::check("any part is that of the whole", [&] {
    const std::size_t from = *rc::gen::inRange<std::size_t>(0, 11);
    const std::size_t size = *rc::gen::inRange<std::size_t>(0, 11 - from);
    std::vector<std::uint8_t> out(size, 0xff);
    RC_ASSERT(file.read(from, out).has_value());
    RC_ASSERT(out == bytes(whole.substr(from, size)));
  }));
  std::vector<std::uint8_t> out(2);
  EXPECT_FALSE(file.read(9, out));
}

TEST(RunsContent, APieceOutsideTheImageIsAnError) {
  const MemoryContent image(bytes("abc"));
  std::vector<std::uint8_t> out(2);
  EXPECT_FALSE(RunsContent(image, {2, 2}).read(0, out));
  EXPECT_FALSE(RunsContent(image, {UINT64_MAX - 1, 4}).read(2, out));
}

}  // namespace
}  // namespace assay
