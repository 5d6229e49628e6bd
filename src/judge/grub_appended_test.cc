// Files with appended signatures as GRUB reads them: each rule decides once. That a signature which
// is accepted is one that others make, openssl says.

#include "judge/grub_appended.h"

#include <gtest/gtest.h>

#include "signatures/test_keys.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::grub_appended;

constexpr std::string_view kSha512 = "2.16.840.1.101.3.4.2.3";
constexpr std::string_view kSha1 = "1.3.14.3.2.26";
constexpr std::string_view kExtendedKeyUsage = "2.5.29.37";
const Bytes kFile = der::bytes("a kernel");
const Bytes kDigitalSignature = der::from_hex("03020780");

Bytes code_signing() { return der::sequence({der::oid("1.3.6.1.5.5.7.3.3")}); }

CertificateSample good_certificate() {
  CertificateSample sample = rsa_certificate("issuer", "key");
  sample.extensions = {extension(oids::kKeyUsage, kDigitalSignature),
                       extension(oids::kBasicConstraints, der::sequence({})),
                       extension(kExtendedKeyUsage, code_signing())};
  return sample;
}

SignerSample signer_of(const Bytes& data, const RsaVector& key = kGoodKey) {
  SignerSample signer;
  signer.signature = der::octet_string(rsa_sign(key, data));
  return signer;
}

MessageSample good_message() {
  MessageSample message;
  message.signers = {signer_of(kFile)};
  return message;
}

Bytes append(const Bytes& message, std::uint8_t id_type = 2, std::size_t more = 0) {
  const std::size_t size = message.size() + more;
  return der::join({kFile, message, Bytes{0, 0, id_type, 0, 0, 0, 0, 0, 0, 0},
                    Bytes{static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)},
                    der::bytes(kSignatureMarker)});
}

BootMaterial trust_in(const Bytes& certificate, BootDatabase database = BootDatabase::option) {
  BootMaterial material;
  material.certificates.push_back({database, PreparedCertificate::own(certificate), "trust"});
  return material;
}

BootVerdict judge(const Bytes& file, const BootMaterial& material) {
  const auto evidence = collect_appended(ViewContent(View(file)), {});
  EXPECT_TRUE(evidence);
  return judge_grub_appended(*evidence, material);
}

BootVerdict judge(const MessageSample& message) {
  return judge(append(message.write()), trust_in(good_certificate().write()));
}

void expect(const BootVerdict& verdict, const BootRule* rule, const char* what) {
  EXPECT_EQ(verdict.rule, rule) << what << ": " << (verdict.rule ? verdict.rule->id : "no rule")
                                << " " << verdict.because;
  if (rule != nullptr) {
    EXPECT_EQ(verdict.standing, rule->standing) << what;
  }
}

void expect_unknown(const BootVerdict& verdict, const char* what) {
  EXPECT_EQ(verdict.standing, Standing::undetermined) << what;
  EXPECT_EQ(verdict.rule, nullptr) << what;
}

TEST(GrubAppended, GoodSignature) {
  const BootMaterial material = trust_in(good_certificate().write());
  const BootVerdict verdict = judge(append(good_message().write()), material);
  EXPECT_EQ(verdict.standing, Standing::verified) << verdict.because;
  ASSERT_NE(verdict.certificate, nullptr);
  EXPECT_EQ(short_name(verdict.certificate->certificate->x509().subject), "key");
}

TEST(GrubAppended, TrailerRules) {
  const BootMaterial material = trust_in(good_certificate().write());
  const Bytes message = good_message().write();
  expect(judge(kFile, material), &rule::marker, "no marker");
  expect(judge(der::bytes(kSignatureMarker), material), &rule::block, "nothing but the marker");
  expect(judge(append(message, 1), material), &rule::id_type, "id_type 1");
  expect(judge(append(message, 2, kFile.size() + 1), material), &rule::sig_len, "sig_len");
  // The kernel asks for zeros in the other fields, GRUB does not.
  Bytes file = append(message);
  file[file.size() - kSignatureMarker.size() - kInfoBlockSize] = 1;
  EXPECT_EQ(judge(file, material).standing, Standing::verified);
}

TEST(GrubAppended, MessageRules) {
  MessageSample message = good_message();
  message.outer_type = der::oid(oids::kData);
  expect(judge(message), &rule::content_type, "another content type");
  message = good_message();
  message.version = der::integer(3);
  expect(judge(message), &rule::version, "version 3");
  for (const Bytes& digests :
       {der::set({}), der::set({der::algorithm(kSha1)}),
        der::set({der::algorithm(oids::kSha256), der::algorithm(oids::kSha256)})}) {
    message = good_message();
    message.digest_algorithms = digests;
    expect(judge(message), &rule::digests, "digestAlgorithms");
  }
  message = good_message();
  message.crls = der::element(0xA1, {good_certificate().write()});
  expect(judge(message), &rule::crls, "revocation lists");
  message = good_message();
  message.signers.clear();
  expect(judge(message), &rule::signers, "nobody signed");
  message = good_message();
  message.digest_algorithms = der::set({der::algorithm(oids::kSha256), der::algorithm(kSha512)});
  expect(judge(message), &rule::signer_digests, "nobody uses SHA-512");
  message = good_message();
  message.signers[0].digest_algorithm = der::algorithm(kSha512);
  expect(judge(message), &rule::signer_digests, "SHA-512 is not listed");
}

TEST(GrubAppended, KeyRules) {
  const Bytes file = append(good_message().write());
  expect(judge(file, {}), &rule::trusted, "no key");
  expect(judge(file, trust_in(good_certificate().write(), BootDatabase::kek)), &rule::trusted,
         "KEK");
  CertificateSample other = good_certificate();
  other.key = der::bit_string(rsa_public_key(kOtherKey));
  expect(judge(file, trust_in(other.write())), &rule::trusted, "another key");
  MessageSample message = good_message();
  message.signers = {signer_of(der::bytes("another kernel"))};
  expect(judge(message), &rule::file, "another file");
  // As CMS has it, but not as GRUB has it.
  message = good_message();
  message.signers[0].signed_attributes =
      attribute_set({{oids::kContentType, {der::oid(oids::kData)}},
                     {oids::kMessageDigest, {der::octet_string(digest_of(Hash::sha256, kFile))}}});
  Bytes attributes = message.signers[0].signed_attributes;
  attributes[0] = 0x31;
  message.signers[0].signature = der::octet_string(rsa_sign(kGoodKey, attributes));
  expect(judge(message), &rule::file, "signed attributes");
  // Any signer.
  message.signers = {signer_of(kFile, kOtherKey), signer_of(kFile)};
  EXPECT_EQ(judge(message).standing, Standing::verified);
}

TEST(GrubAppended, CertificatesThatGrubDoesNotTake) {
  const auto because = [](const CertificateSample& certificate) {
    const BootVerdict verdict =
        judge(append(good_message().write()), trust_in(certificate.write()));
    expect(verdict, &rule::trusted, verdict.because.c_str());
    return verdict.because.substr(verdict.because.find(": ") + 2);
  };
  CertificateSample sample = good_certificate();
  sample.version.clear();
  EXPECT_EQ(because(sample), "it is not of version 3");
  sample = good_certificate();
  sample.extensions.clear();
  EXPECT_EQ(because(sample), "it has no key usage");
  sample = good_certificate();
  sample.extensions[0] = extension(oids::kKeyUsage, der::from_hex("03020204"));
  EXPECT_EQ(because(sample), "its key usage lacks digitalSignature");
  sample = good_certificate();
  sample.extensions[1] =
      extension(oids::kBasicConstraints, der::sequence({der::element(1, Bytes{0xFF})}));
  EXPECT_EQ(because(sample), "it is one of a CA");
  sample = good_certificate();
  sample.extensions.erase(sample.extensions.begin() + 1);
  EXPECT_EQ(because(sample), "it has no basicConstraints");
  sample = good_certificate();
  sample.extensions[2] =
      extension(kExtendedKeyUsage, der::sequence({der::oid("1.3.6.1.5.5.7.3.1")}));
  EXPECT_EQ(because(sample), "its extended key usage lacks codeSigning");
  sample = good_certificate();
  sample.extensions.push_back(der::sequence(
      {der::oid("1.2.3.4"), der::element(1, Bytes{0xFF}), der::octet_string(der::null())}));
  EXPECT_EQ(because(sample), "it has a critical extension unknown to GRUB");
}

TEST(GrubAppended, WhatIsNotKnown) {
  MessageSample message = good_message();
  message.digest_algorithms = der::long_form(0x31, der::algorithm(oids::kSha256), 2);
  expect_unknown(judge(message), "not DER");
  message = good_message();
  message.content =
      der::sequence({der::oid(oids::kData), der::element(0xA0, {der::octet_string(kFile)})});
  expect_unknown(judge(message), "a content of its own");
  const Bytes certificate = good_certificate().write();
  BootMaterial material = trust_in(certificate);
  material.add(trust_in(certificate, BootDatabase::dbx));
  expect_unknown(judge(append(good_message().write()), material), "a certificate in dbx");
  for (const Bytes& digest : {digest_of(Hash::sha256, kFile), digest_of(Hash::sha512, kFile),
                              digest_of(Hash::sha384, certificate)}) {
    material = trust_in(certificate);
    material.hashes.push_back(
        {BootDatabase::dbx,
         digest.size() == 64 ? EfiSignatureType::sha512 : EfiSignatureType::sha256,
         digest,
         {},
         "dbx"});
    expect_unknown(judge(append(good_message().write()), material), "a digest in dbx");
  }
  material = trust_in(certificate);
  material.hashes.push_back({BootDatabase::dbx, EfiSignatureType::sha256, Bytes(32, 1), {}, "dbx"});
  EXPECT_EQ(judge(append(good_message().write()), material).standing, Standing::verified);
}

// Made as the manual of GRUB says, by another implementation.
TEST(GrubAppended, SignedByOpenssl) {
  const TemporaryFolder folder;
  const auto run = [](const std::vector<std::string>& command) {
    const Finished ran = run_command(command);
    EXPECT_EQ(ran.status, 0) << command[1] << ": " << ran.error;
  };
  write_file(folder / "config",
             der::bytes("[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n"
                        "basicConstraints=critical,CA:FALSE\nkeyUsage=digitalSignature\n"
                        "extendedKeyUsage=codeSigning\n"));
  run({"openssl", "req", "-config", folder / "config", "-x509", "-newkey", "rsa:2048", "-nodes",
       "-subj", "/CN=grub", "-keyout", folder / "key", "-out", folder / "cert"});
  run({"openssl", "x509", "-in", folder / "cert", "-outform", "DER", "-out", folder / "der"});
  write_file(folder / "file", kFile);
  for (const char* digest : {"sha256", "sha512"}) {
    run({"openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", digest, "-signer",
         folder / "cert", "-inkey", folder / "key", "-in", folder / "file", "-outform", "DER",
         "-out", folder / "sig"});
    Bytes file = append(read_file(folder / "sig"));
    const BootMaterial material = trust_in(read_file(folder / "der"));
    const BootVerdict verdict = judge(file, material);
    EXPECT_EQ(verdict.standing, Standing::verified) << digest << ": " << verdict.because;
    file[0] ^= 1;
    expect(judge(file, material), &rule::file, "changed");
  }
}

}  // namespace
}  // namespace assay
