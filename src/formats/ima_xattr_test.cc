#include "formats/ima_xattr.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

// The beginning of what evmctl 1.4 writes for a file of ten bytes, and one byte of its signature.
constexpr std::uint8_t kSignature[] = {3, 2, 4, 0x57, 0x1f, 0x2b, 0xd8, 0x00, 0x80, 0x71};

TEST(ImaXattr, Signature) {
  const ImaXattr xattr = read_ima_xattr(View(kSignature));
  EXPECT_TRUE(xattr.is(ImaXattrType::signature));
  EXPECT_EQ(xattr.second, 2);
  ASSERT_TRUE(xattr.signature);
  EXPECT_EQ(xattr.signature->version, 2);
  EXPECT_EQ(xattr.signature->hash_algo, 4);
  EXPECT_EQ(xattr.signature->keyid, (std::array<std::uint8_t, 4>{0x57, 0x1f, 0x2b, 0xd8}));
  EXPECT_EQ(xattr.signature->sig_size, 128);
  EXPECT_EQ(xattr.signature->value.size(), 1U);
  EXPECT_TRUE(same_bytes(View(write_ima_signature(ImaXattrType::signature, *xattr.signature)),
                         View(kSignature)));
}

TEST(ImaXattr, AHeaderAloneIsNoSignature) {
  EXPECT_FALSE(read_ima_xattr(View(std::span(kSignature).first(9))).signature);
}

TEST(ImaXattr, Short) {
  EXPECT_EQ(read_ima_xattr(View()).type, 0);
  const ImaXattr xattr = read_ima_xattr(View(std::span(kSignature).first(1)));
  EXPECT_EQ(xattr.type, 3);
  EXPECT_EQ(xattr.second, 0);
}

}  // namespace
}  // namespace assay
