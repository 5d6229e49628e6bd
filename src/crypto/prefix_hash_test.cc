#include "crypto/prefix_hash.h"

#include <gtest/gtest.h>

#include <string_view>

namespace assay {
namespace {

MemoryContent content_of(std::string_view text) {
  return MemoryContent(std::vector<std::uint8_t>(text.begin(), text.end()));
}

// FIPS 180-4, NIST's example values.
constexpr std::string_view kAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
constexpr std::string_view kTwoBlocksDigest =
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";

TEST(PrefixHash, ServesEveryContentThatBeginsAlike) {
  for (std::uint64_t size = 0; size <= 3; ++size) {
    const auto beginning = PrefixHash::make(Hash::sha256, content_of("abc"), size);
    ASSERT_TRUE(beginning);
    EXPECT_EQ(beginning->finish(content_of("abc"))->hex(), kAbc) << size;
    EXPECT_EQ(beginning->finish(content_of(kTwoBlocks))->hex(), kTwoBlocksDigest) << size;
    EXPECT_EQ(beginning->finish(content_of("abc"))->hex(), kAbc) << "once more, " << size;
  }
}

// "One million repetitions of a" (FIPS 180-4): longer than what is read at once, on either side.
TEST(PrefixHash, GoesOnInPieces) {
  const std::string million(1'000'000, 'a');
  for (const std::uint64_t size : {1'000'000, 999'999, 600'000, 1, 0}) {
    const auto beginning = PrefixHash::make(Hash::sha256, content_of(million), size);
    ASSERT_TRUE(beginning);
    EXPECT_EQ(beginning->finish(content_of(million))->hex(),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST(PrefixHash, ContentThatIsShorterHasNoSuchBeginning) {
  const auto beginning = PrefixHash::make(Hash::sha256, content_of("abc"), 3);
  ASSERT_TRUE(beginning);
  EXPECT_EQ(beginning->finish(content_of("ab")).error().reason, Reason::bad_length);
}

}  // namespace
}  // namespace assay
