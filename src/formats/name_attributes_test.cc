#include "formats/name_attributes.h"

#include <gtest/gtest.h>

#include "testing/der.h"

namespace assay {
namespace {

// What `openssl x509 -noout -subject -nameopt compat` (X509_NAME_oneline) prints of such names.
TEST(NameAttributes, OneLineAsOpenSsl) {
  const auto attribute = [](std::string_view oid, std::uint8_t tag, std::string_view value) {
    return der::element(0x31, {der::sequence({der::oid(oid), der::text(tag, value)})});
  };
  der::Bytes name = attribute("2.5.4.6", 0x13, "DE");
  for (const auto& more : {attribute("2.5.4.8", 0x0C, "B\xC3\xA4r"),
                           attribute("0.9.2342.19200300.100.1.25", 0x16, "org"),
                           attribute("2.5.4.3", 0x1E, std::string_view("\0a\0b", 4)),
                           attribute("1.2.3.4", 0x0C, "x\n")})
    name.insert(name.end(), more.begin(), more.end());
  EXPECT_EQ(oneline_name(View(name)), "/C=DE/ST=B\\xC3\\xA4r/DC=org/CN=ab/1.2.3.4=x\\x0A");
  EXPECT_EQ(oneline_name(View()), "");
}

}  // namespace
}  // namespace assay
