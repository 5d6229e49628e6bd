#include "formats/x509_outline.h"

#include <gtest/gtest.h>

#include "testing/der.h"

namespace assay {
namespace {

using der::from_hex;

// Values of RFC 5280, 4.2.1, and what they would be when cut short. openssl_pkcs7_test.cc asks
// openssl of whole certificates.
TEST(X509Outline, ExtensionsThatAreWellFormed) {
  struct Case {
    Oid oid;
    const char* value;
    std::optional<bool> expected;
  };
  const Case cases[] = {
      {Oid::key_usage, "03020780", true},
      {Oid::key_usage, "03020000", false},
      {Oid::key_usage, "030100", false},
      {Oid::key_usage, "0300", false},
      {Oid::key_usage, "", false},
      {Oid::subject_key_identifier, "040141", true},
      {Oid::subject_key_identifier, "0401", false},
      {Oid::extended_key_usage, "300A06082B06010505070303", true},
      {Oid::extended_key_usage, "3003020101", false},
      {Oid::subject_alt_name, "3003820161", true},
      {Oid::subject_alt_name, "3000", false},
      {Oid::subject_alt_name, "30038A0161", std::nullopt},
      {Oid::name_constraints, "3000", std::nullopt},
  };
  for (const Case& one : cases) {
    const auto value = from_hex(one.value);
    EXPECT_EQ(is_well_formed({one.oid, false, View(value)}), one.expected)
        << oid_text(one.oid) << " " << one.value;
  }
}

}  // namespace
}  // namespace assay
