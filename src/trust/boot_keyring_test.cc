// Keyrings filled at boot, where what the kernel makes of a certificate is open.

#include "trust/boot_keyring.h"

#include <gtest/gtest.h>

#include "signatures/explore.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;

constexpr std::string_view kRsaSha3 = "2.16.840.1.101.3.4.3.14";  // with SHA3-256: since 6.12
constexpr std::string_view kGost = "1.2.643.7.1.1.1.1";           // GOST R 34.10-2012, 256 bits
constexpr std::string_view kGostSignature = "1.2.643.7.1.1.3.2";  // with Streebog-256

CertificateSample self_signed(std::string_view name) {
  CertificateSample sample = rsa_certificate(name, name);
  sample.serial = der::integer(7);
  return sample;
}

CertificateSample with_algorithm(CertificateSample sample, std::string_view algorithm) {
  sample.inner_algorithm = der::algorithm(algorithm);
  sample.outer_algorithm = der::algorithm(algorithm);
  return sample;
}

CertificateSample gost(std::string_view name) {
  CertificateSample sample = with_algorithm(self_signed(name), kGostSignature);
  sample.key_algorithm = der::algorithm(kGost);
  sample.key = der::bit_string(der::octet_string(Bytes(64, 1)));
  return sample;
}

// The names of the keys that are in the ring in every walk, and what decides of the others.
struct Contents {
  std::vector<std::string> first;
  std::vector<std::string> open;
};

Contents load(KernelVersion version, std::initializer_list<CertificateSample> samples) {
  std::vector<ListedCertificate> certificates;
  for (const CertificateSample& sample : samples)
    certificates.push_back({PreparedCertificate::own(sample.write(rsa_signer(kGoodKey))), "test"});
  const KernelId kernel{version, Variant::mainline, Arch::x86_64};
  const BootKeyring keyring("ring", certificates, kernel, SignatureContext());
  auto explored = explore(
      kernel, false,
      [&](Walk& walk) {
        std::vector<std::string> names;
        const auto ring = keyring.in(walk);
        for (const Key& key : ring->keys())
          names.push_back(short_name(key.certificate->x509().subject));
        return names;
      },
      std::equal_to<>());
  EXPECT_EQ(keyring.fixed() == nullptr, !explored.open.empty());
  return {explored.first, explored.open};
}

using Names = std::vector<std::string>;

TEST(BootKeyring, LeavesOutWhatTheKernelCannotParse) {
  CertificateSample damaged = self_signed("damaged");
  damaged.signature = der::bit_string(Bytes(256, 1));
  const Contents contents = load(kAnchor72, {self_signed("a"), damaged, self_signed("b")});
  EXPECT_EQ(contents.first, (Names{"a", "b"}));
  EXPECT_TRUE(contents.open.empty());
}

TEST(BootKeyring, AlgorithmOfALaterAnchorIsOpenBetween) {
  // The signature is one of SHA-256, so that a kernel which knows SHA-3 refuses it; 6.1 refuses it
  // too, at the algorithm. A certificate of another issuer is not verified when it is loaded.
  CertificateSample issued = with_algorithm(rsa_certificate("issuer", "sha3"), kRsaSha3);
  EXPECT_EQ(load(kAnchor61, {issued}).first, Names{});
  EXPECT_EQ(load(kAnchor612, {issued}).first, Names{"sha3"});
  EXPECT_EQ(load(kAnchor72, {issued}).first, Names{"sha3"});
  for (const KernelVersion version : {KernelVersion{6, 2}, KernelVersion{6, 5}, {6, 11}}) {
    EXPECT_EQ(load(version, {self_signed("a"), issued}).open, Names{"kernel.version"});
    // Refused either way: nothing is open.
    EXPECT_TRUE(load(version, {with_algorithm(self_signed("sha3"), kRsaSha3)}).open.empty());
  }
  EXPECT_TRUE(load({6, 5}, {self_signed("a")}).open.empty());
}

TEST(BootKeyring, SelfSignatureThatLibcryptoCannotCheckIsOpen) {
  const Contents contents = load(kAnchor72, {self_signed("a"), gost("gost"), gost("other")});
  EXPECT_EQ(contents.open, Names{"libcrypto: ecrdsa"});
}

}  // namespace
}  // namespace assay
