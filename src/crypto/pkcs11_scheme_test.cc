#include "crypto/pkcs11_scheme.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Pkcs11Scheme, IsShownWithoutItsPin) {
  constexpr std::pair<const char*, const char*> kShown[] = {
      {"pkcs11:token=T;object=o", "pkcs11:token=T;object=o"},
      {"pkcs11:token=T?pin-value=secret", "pkcs11:token=T"},
      {"pkcs11:token=T?pin-value=secret&module-path=/x", "pkcs11:token=T?module-path=/x"},
      {"pkcs11:token=T?module-path=/x&pin-value=secret", "pkcs11:token=T?module-path=/x"},
      {"pkcs11:token=T?a=b&PIN-VALUE=secret&c=d", "pkcs11:token=T?a=b&c=d"},
      {"pkcs11:token=T?pin-source=file:/p", "pkcs11:token=T?pin-source=file:/p"},
      {" \t\npkcs11:token=T?pin-value=secret", "pkcs11:token=T"},
      {"PKCS11:pin-value=secret;token=T", "PKCS11:;token=T"},
  };
  for (const auto& [uri, shown] : kShown) {
    EXPECT_TRUE(is_pkcs11_uri(uri));
    EXPECT_EQ(without_pin(uri), shown);
  }
  EXPECT_FALSE(is_pkcs11_uri("pkcs11"));
  EXPECT_FALSE(is_pkcs11_uri("pkcs11x:token=T"));
  EXPECT_FALSE(is_pkcs11_uri("  "));
}

}  // namespace
}  // namespace assay
