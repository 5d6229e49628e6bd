// Beside RFC 2202, 3.

#include "crypto/hmac.h"

#include <gtest/gtest.h>

#include <vector>

namespace assay {
namespace {

TEST(Hmac, Rfc2202) {
  struct Row {
    std::size_t key_size;
    std::uint8_t key;
    std::string_view data;
    std::string_view expected;
  };
  const Row rows[] = {
      {20, 0x0B, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
      {20, 0x0C, "Test With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
      {80, 0xAA, "Test Using Larger Than Block-Size Key - Hash Key First",
       "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
      {80, 0xAA, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
       "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
  };
  for (const Row& row : rows) {
    const std::vector<std::uint8_t> key(row.key_size, row.key);
    EXPECT_EQ(compute_hmac(Hash::sha1, key, bytes_of(row.data))->hex(), row.expected) << row.data;
  }
}

}  // namespace
}  // namespace assay
