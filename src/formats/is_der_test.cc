#include "formats/is_der.h"

#include <gtest/gtest.h>

#include "testing/der.h"

namespace assay {
namespace {

using der::Bytes;
using der::from_hex;

// Examples of X.690, 8.1.3, 8.2, 8.3, 8.6 and 11.2, and what they would be in BER.
TEST(IsDer, Examples) {
  for (const char* good : {"", "0500", "0101FF", "010100", "020100", "02020080", "0201FF",
                           "0202FF7F", "03020000", "030206C0", "030100", "3003020101"})
    EXPECT_TRUE(is_der(View(from_hex(good)))) << good;
  for (const char* bad : {"05", "0580", "048101FF", "30800000", "010101", "01020000", "0200",
                          "02020001", "0202FF80", "0300", "03020800", "030201FF", "030101",
                          "30020500FF", "300302010102", "1F0100", "0483000001FF"})
    EXPECT_FALSE(is_der(View(from_hex(bad)))) << bad;
}

TEST(IsDer, LongLengths) {
  Bytes long_one = from_hex("04820100");
  long_one.resize(4 + 256);
  EXPECT_TRUE(is_der(View(long_one)));
  long_one.pop_back();
  EXPECT_FALSE(is_der(View(long_one)));
  Bytes padded = from_hex("048200FF");
  padded.resize(4 + 255);
  EXPECT_FALSE(is_der(View(padded)));
}

TEST(IsDer, DepthHasALimit) {
  Bytes nested;
  for (int i = 0; i < 48; ++i)
    nested = der::join({{0x30, static_cast<std::uint8_t>(nested.size())}, nested});
  EXPECT_TRUE(is_der(View(nested)));
  nested = der::join({{0x30, static_cast<std::uint8_t>(nested.size())}, nested});
  EXPECT_FALSE(is_der(View(nested)));
}

}  // namespace
}  // namespace assay
