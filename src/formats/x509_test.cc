#include "formats/x509.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "testing/agreement.h"
#include "testing/mutate.h"
#include "testing/samples.h"

namespace assay {
namespace {

using der::Bytes;

std::string compare(const Bytes& certificate) { return compare_certificate(View(certificate)); }

TEST(X509Agreement, SamplesAreReadWhole) {
  for (const Bytes& certificate : sample_certificates()) {
    EXPECT_EQ(compare(certificate), "");
    EXPECT_FALSE(parse_certificate(View(certificate)).fault) << to_hex(certificate);
  }
}

TEST(X509Agreement, EveryTruncation) {
  for (const Bytes& certificate : sample_certificates())
    for (std::size_t size = 0; size <= certificate.size(); ++size) {
      const Bytes cut(certificate.begin(), certificate.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_EQ(compare(cut), "") << to_hex(cut);
    }
}

TEST(X509Agreement, EverySingleByteChange) {
  for (Bytes certificate : sample_certificates())
    for (std::uint8_t& byte : certificate) {
      const std::uint8_t before = byte;
      for (unsigned value = 0; value < 256; ++value) {
        byte = static_cast<std::uint8_t>(value);
        ASSERT_EQ(compare(certificate), "") << to_hex(certificate);
      }
      byte = before;
    }
}

TEST(X509Agreement, RandomMutations) {
  Random random(30);
  std::size_t accepted = 0;
  for (const Bytes& sample : sample_certificates())
    for (int round = 0; round < 3000; ++round) {
      Bytes certificate = sample;
      for (std::size_t changes = 1 + random() % 4; changes > 0; --changes)
        certificate = mutate_ber(certificate, random);
      ASSERT_EQ(compare(certificate), "") << to_hex(certificate);
      if (!parse_certificate(View(certificate)).fault) ++accepted;
    }
  EXPECT_GT(accepted, 3000U);
}

TEST(X509Agreement, MutatedAuthorityKeyIdentifiers) {
  Random random(31);
  std::size_t only_older = 0, only_newer = 0, both = 0;
  for (const Bytes& sample : sample_authority_key_identifiers())
    for (int round = 0; round < 3000; ++round) {
      Bytes identifier = sample;
      for (std::size_t changes = 1 + random() % 3; changes > 0; --changes)
        identifier = mutate_ber(identifier, random);
      CertificateSample around;
      around.extensions = {extension(oids::kAuthorityKeyIdentifier, identifier)};
      const Bytes certificate = around.write();
      ASSERT_EQ(compare(certificate), "") << to_hex(certificate);
      const Certificate parsed = parse_certificate(View(certificate));
      if (!parsed.akid_fault && !parsed.akid_fault_61) ++both;
      if (!parsed.akid_fault && parsed.akid_fault_61) ++only_newer;
      if (parsed.akid_fault && !parsed.akid_fault_61) ++only_older;
    }
  EXPECT_GT(both, 1000U);
  EXPECT_GT(only_newer, 500U);
  EXPECT_GT(only_older, 500U);
}

TEST(X509Agreement, RandomBytes) {
  Random random(32);
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes(random() % 60);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    ASSERT_EQ(compare(bytes), "") << to_hex(bytes);
  }
}

}  // namespace
}  // namespace assay
