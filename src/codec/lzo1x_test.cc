#include "codec/lzo1x.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "codec/codec.h"
#include "testing/process.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::optional<std::string> decode(const Bytes& block, std::size_t room) {
  Bytes out(room);
  const auto size = decode_lzo1x(block, out);
  if (!size) return std::nullopt;
  return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
}

struct Case {
  const char* what;
  Bytes block;
  std::optional<std::string> expected;
};

// Each block by hand from Documentation/staging/lzo.rst ("Byte sequences"); 11 00 00 is the end.
const Case kCases[] = {
    {"nothing", {0x11, 0, 0}, ""},
    {"first byte 18 to 20: literals that count", {19, 'a', 'b', 0x11, 0, 0}, "ab"},
    {"first byte 22 to 255: literals", {22, 'a', 'b', 'c', 'd', 'e', 0x11, 0, 0}, "abcde"},
    {"0..15 at the start: 3 more literals than it says",
     {1, 'a', 'b', 'c', 'd', 0x11, 0, 0},
     "abcd"},
    {"0: length continues",
     {0,   1,   'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h',  'i', 'j',
      'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 0x11, 0,   0},
     "abcdefghijklmnopqrs"},
    {"0..15 after 1 to 3 literals: 2 bytes", {20, 'a', 'b', 'c', 0x08, 0, 0x11, 0, 0}, "abcab"},
    {"its literals", {20, 'a', 'b', 'c', 0x0a, 0, 'x', 'y', 0x11, 0, 0}, "abcabxy"},
    {"32..63: 3 to 33 bytes", {21, 'a', 'b', 'c', 'd', 0x21, 0x0c, 0, 0x11, 0, 0}, "abcdabc"},
    {"32: length continues", {18, 'a', 0x20, 1, 0, 0, 0x11, 0, 0}, "a" + std::string(34, 'a')},
    {"64..127: 3 or 4 bytes", {21, 'a', 'b', 'c', 'd', 0x6c, 0, 0x11, 0, 0}, "abcdabcd"},
    {"128..255: 5 to 8 bytes", {18, 'a', 0xe0, 0, 0x11, 0, 0}, "a" + std::string(8, 'a')},
    {"a pattern repeats", {19, 'a', 'b', 0xe4, 0, 0x11, 0, 0}, "ababababab"},

    {"empty", {}, std::nullopt},
    {"no end", {19, 'a', 'b'}, std::nullopt},
    {"half an end", {19, 'a', 'b', 0x11, 0}, std::nullopt},
    {"an end of the wrong length", {19, 'a', 'b', 0x12, 0, 0}, std::nullopt},
    {"something after the end", {19, 'a', 'b', 0x11, 0, 0, 0}, std::nullopt},
    {"fewer literals than said", {30, 'a', 'b', 0x11, 0, 0}, std::nullopt},
    {"a distance before the start", {19, 'a', 'b', 0x6c, 0, 0x11, 0, 0}, std::nullopt},
    {"a far distance before the start", {19, 'a', 'b', 0x11, 4, 0, 0x11, 0, 0}, std::nullopt},
    {"a match in an empty output", {0x20, 1, 0, 0, 0x11, 0, 0}, std::nullopt},
    {"LZO-RLE", {17, 1, 19, 'a', 'b', 0x11, 0, 0}, std::nullopt},
};

TEST(Lzo1x, DecodesEachInstruction) {
  for (const Case& row : kCases) EXPECT_EQ(decode(row.block, 1000), row.expected) << row.what;
}

TEST(Lzo1x, StaysInsideTheOutput) {
  for (const Case& row : kCases) {
    if (!row.expected) continue;
    EXPECT_EQ(decode(row.block, row.expected->size()), row.expected) << row.what;
    if (row.expected->empty()) continue;
    EXPECT_EQ(decode(row.block, row.expected->size() - 1), std::nullopt) << row.what;
  }
}

TEST(Lzo1x, LengthsDoNotOverflow) {
  Bytes block(100'000);  // zeros: a run of literals whose length never ends
  EXPECT_EQ(decode(block, 1000), std::nullopt);
  block.push_back(1);
  EXPECT_EQ(decode(block, 1000), std::nullopt);
}

// Data of many shapes: how often bytes come again decides which instructions lzop writes.
Bytes sample(unsigned seed) {
  std::minstd_rand random(seed + 1);
  const std::size_t size = random() % (seed % 8 == 0 ? 600'000 : 6000);
  const std::uint_fast32_t letters = std::uint_fast32_t{1} << (random() / 7 % 9);
  const std::uint_fast32_t repeats = random() % 100;  // percent of steps that copy
  Bytes bytes;
  while (bytes.size() < size) {
    if (!bytes.empty() && random() % 100 < repeats) {
      const std::size_t far = random() % 3 == 0 ? 60'000 : 2500;
      const std::size_t distance = 1 + random() % std::min(bytes.size(), far);
      const std::size_t length = 1 + random() % (random() % 5 == 0 ? 700 : 12);
      for (std::size_t i = 0; i < length; ++i) bytes.push_back(bytes[bytes.size() - distance]);
    } else {
      bytes.push_back(static_cast<std::uint8_t>(random() % letters));
    }
  }
  return bytes;
}

TEST(Lzo1x, DecodesWhatLzopWrites) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const Bytes data = sample(seed);
    for (const char* level : {"-1", "-3", "-9"}) {
      const auto packed = run_command({"lzop", level, "-c"}, data);
      ASSERT_EQ(packed.status, 0) << packed.error;
      ViewStream* input = new ViewStream(View(packed.out));
      auto decoder = open_decoder(Codec::lzo, std::unique_ptr<Stream>(input));
      ASSERT_TRUE(decoder);
      const auto decoded = read_all(**decoder, limits::kGiB);
      ASSERT_TRUE(decoded) << describe(decoded.error()) << ", seed " << seed << level;
      EXPECT_TRUE(*decoded == data) << "seed " << seed << level;
    }
  }
}

}  // namespace
}  // namespace assay
