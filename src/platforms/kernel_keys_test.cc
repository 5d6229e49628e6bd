// Descriptions of keys against what a booted kernel showed of the same certificates.

#include "platforms/kernel_keys.h"

#include <gtest/gtest.h>

#include "testing/samples.h"

namespace assay {
namespace {

// From /proc/keys of a Linux 6.12 that was booted with Secure Boot on.
constexpr std::string_view kRecorded =
    R"(01e903b3 I------     1 perm 1f030000     0     0 asymmetri oracle revoked: 3fafa8629b0be4b54f30d21a547cd67c40810b8f: X509.rsa 40810b8f []
0816061a I------     1 perm 1f0b0000     0     0 keyring   .machine: empty
12df3362 I------     1 perm 1f0f0000     0     0 keyring   .secondary_trusted_keys: 1
14637294 I------     1 perm 1f030000     0     0 asymmetri oracle noskid: 49dd5edab6a8b1103a125127ca9b5ca7d91884ad: X509.rsa []
17973e6a I------     2 perm 09090000     0     0 blacklist bin:570dba510e44182be599e6ac6c0aba0725d6d200c16b5c2168b8979aa4a64fab
1a882ff9 I------     1 perm 0f0f0000     0     0 keyring   .blacklist: 4
0a7b1e35 I--Q---     1 perm 0c030000     0 65534 keyring   .user_reg: 2
213325a3 I------     2 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 12
2a7b2d09 I------     1 perm 1f010000     0     0 asymmetri SnakeOil: 63b8d5ee5df87b9a2f08dde4dba1e606c854dadb: X509.rsa c854dadb []
)";

TEST(KernelKeys, ReadsWhatAKernelShowed) {
  const KernelKeys keys = parse_kernel_keys(kRecorded);
  const std::map<std::string, std::uint64_t, std::less<>> rings = {{".machine", 0},
                                                                   {".secondary_trusted_keys", 1},
                                                                   {".blacklist", 4},
                                                                   {".user_reg", 2},
                                                                   {".builtin_trusted_keys", 12}};
  EXPECT_EQ(keys.rings, rings);
  const std::set<std::string, std::less<>> certificates = {
      "oracle revoked: 3fafa8629b0be4b54f30d21a547cd67c40810b8f",
      "oracle noskid: 49dd5edab6a8b1103a125127ca9b5ca7d91884ad",
      "SnakeOil: 63b8d5ee5df87b9a2f08dde4dba1e606c854dadb"};
  EXPECT_EQ(keys.certificates, certificates);
  const std::set<std::string, std::less<>> hashes = {
      "bin:570dba510e44182be599e6ac6c0aba0725d6d200c16b5c2168b8979aa4a64fab"};
  EXPECT_EQ(keys.hashes, hashes);
}

TEST(KernelKeys, TakesNothingFromTornLines) {
  for (std::size_t size = 0; size < kRecorded.size(); ++size) {
    const KernelKeys keys = parse_kernel_keys(kRecorded.substr(0, size));
    EXPECT_LE(keys.rings.size(), 5U);
    EXPECT_LE(keys.certificates.size(), 3U);
  }
}

der::Bytes attribute_of(std::string_view oid, std::string_view value) {
  return der::set({der::sequence({der::oid(oid), der::text(0x0C, value)})});
}

constexpr std::string_view kCommonName = "2.5.4.3";
constexpr std::string_view kOrganization = "2.5.4.10";
constexpr std::string_view kEmail = "1.2.840.113549.1.9.1";

struct NameCase {
  const char* label;
  std::vector<der::Bytes> attributes;
  const char* expected;
};

// The comments and branches of x509_fabricate_name, which is the same in 6.1, 6.12 and 7.2.
TEST(KernelKeys, DescribesACertificateAsTheKernelDoes) {
  const NameCase cases[] = {
      {"nothing", {}, ": 1234"},
      {"common name", {attribute_of(kCommonName, "ca")}, "ca: 1234"},
      {"email", {attribute_of(kEmail, "a@b")}, "a@b: 1234"},
      {"organization before email",
       {attribute_of(kEmail, "a@b"), attribute_of(kOrganization, "house")},
       "house: 1234"},
      {"both",
       {attribute_of(kOrganization, "house"), attribute_of(kCommonName, "key")},
       "house: key: 1234"},
      {"prefixed by the organization",
       {attribute_of(kOrganization, "Debian"), attribute_of(kCommonName, "Debian CA")},
       "Debian CA: 1234"},
      {"seven alike",
       {attribute_of(kOrganization, "Microsoft Corporation"),
        attribute_of(kCommonName, "Microsoft UEFI CA")},
       "Microsoft UEFI CA: 1234"},
      {"six alike",
       {attribute_of(kOrganization, "Abcdef Inc"), attribute_of(kCommonName, "Abcdefg")},
       "Abcdef Inc: Abcdefg: 1234"},
  };
  for (const NameCase& one : cases) {
    CertificateSample sample;
    der::Bytes attributes;
    for (const der::Bytes& attribute : one.attributes)
      attributes.insert(attributes.end(), attribute.begin(), attribute.end());
    sample.subject = der::element(0x30, attributes);
    const der::Bytes bytes = sample.write();
    EXPECT_EQ(kernel_description(parse_certificate(View(bytes))), one.expected) << one.label;
  }
}

}  // namespace
}  // namespace assay
