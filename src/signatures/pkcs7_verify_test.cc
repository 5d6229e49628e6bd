// pkcs7_verify: is a message consistent with itself and with the data?

#include <gtest/gtest.h>

#include "signatures/pkcs7.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::pkcs7;

const Ended kVerified;
const std::string_view kData = "data";

// A message by one signer over kData, with the signer's certificate if asked for.
struct Signed {
  MessageSample sample;
  Usage usage = Usage::unspecified;
  SignatureContext context;

  SignerSample& signer() { return sample.signers[0]; }

  void sign(std::size_t index = 0, const RsaVector& key = kGoodKey) {
    SignerSample& one = sample.signers[index];
    Bytes data = der::bytes(kData);
    if (!one.signed_attributes.empty()) {
      data = one.signed_attributes;
      data[0] = 0x31;
    }
    one.signature = der::octet_string(rsa_sign(key, data));
  }
  void embed(std::initializer_list<CertificateSample> certificates,
             const RsaVector& signed_by = kGoodKey) {
    Bytes all;
    for (const CertificateSample& certificate : certificates)
      all = der::join({all, certificate.write(rsa_signer(signed_by))});
    sample.certificates = der::element(0xA0, all);
  }
};

Signed plain() {
  Signed made;
  made.sign();
  return made;
}

Bytes message_digest_of(std::string_view data) {
  return der::octet_string(digest_of(Hash::sha256, bytes_of(data)));
}

Bytes attributes_with(const Bytes& digest, std::string_view signing_time = {}) {
  AttributeSample time{oids::kSigningTime, {der::text(0x17, signing_time)}};
  AttributeSample type{oids::kContentType, {der::oid(oids::kData)}};
  AttributeSample message_digest{oids::kMessageDigest, {digest}};
  return signing_time.empty() ? attribute_set({type, message_digest})
                              : attribute_set({type, time, message_digest});
}

// The certificate that the default signer identifier names.
CertificateSample signer_certificate(const RsaVector& key = kGoodKey) {
  return rsa_certificate("issuer", "signer", key);
}

struct Verified {
  Ended end;
  std::vector<bool> unsupported;
  std::vector<bool> blacklisted;
};

Verified verify(KernelVersion version, Signed& made, std::vector<Choice> choices = {}) {
  const Bytes message = made.sample.write();
  SignatureEvidence evidence(message, 0);
  EXPECT_TRUE(evidence.digest_data(ViewContent(View(bytes_of(kData))), 0, kData.size()));
  // A signature that waited says what it said before.
  std::vector<std::uint8_t> waiting = evidence.give_message();
  EXPECT_EQ(waiting, message);
  EXPECT_EQ(evidence.size(), 0);
  evidence.restore(std::move(waiting));
  Pkcs7 pkcs7(evidence, made.context);
  Walk walk({version, Variant::debian, Arch::x86_64}, std::move(choices), true);
  const Outcome parsed = pkcs7.parse(walk);
  EXPECT_FALSE(parsed.failed()) << ended(walk, parsed).rule->id;
  if (parsed.failed()) return {};
  Verified verified;
  const Outcome outcome = pkcs7.verify(walk, made.usage);
  verified.end = ended(walk, outcome);
  for (const Pkcs7Signer& signer : pkcs7.signers()) {
    verified.unsupported.push_back(signer.unsupported_crypto);
    verified.blacklisted.push_back(signer.blacklisted);
  }
  return verified;
}

void expect_everywhere(std::string_view name, Signed made, const Ended& end) {
  for (const KernelVersion version : kAnchors) {
    if (made.usage == Usage::bpf && version != kAnchor72) continue;
    EXPECT_EQ(verify(version, made).end, end) << name << " in " << to_string(version);
  }
}

TEST(Pkcs7Verify, Usages) {
  Signed with_attributes = plain();
  with_attributes.signer().signed_attributes = attributes_with(message_digest_of(kData));
  with_attributes.sign();
  Signed authenticode = plain();
  authenticode.sample.content = der::sequence(
      {der::oid(oids::kIndirectData), der::element(0xA0, {der::sequence({der::null()})})});
  authenticode.signer().signed_attributes = attribute_set(
      {{oids::kContentType, {der::oid(oids::kIndirectData)}},
       {oids::kMessageDigest, {der::octet_string(digest_of(Hash::sha256, der::null()))}}});
  authenticode.sign();
  struct Case {
    Usage usage;
    Ended plain, with_attributes, authenticode;
  };
  const Ended data = refused_by(rule::usage_data);
  const Case cases[] = {
      {Usage::module, kVerified, refused_by(rule::usage_no_attributes), data},
      {Usage::firmware, refused_by(rule::usage_attributes), kVerified, data},
      {Usage::kexec_pe, refused_by(rule::usage_authenticode), refused_by(rule::usage_authenticode),
       kVerified},
      {Usage::unspecified, kVerified, kVerified, data},
      {Usage::bpf, kVerified, kVerified, data},
  };
  for (const Case& one : cases) {
    Signed made = plain();
    made.usage = with_attributes.usage = authenticode.usage = one.usage;
    expect_everywhere("plain", made, one.plain);
    expect_everywhere("with attributes", with_attributes, one.with_attributes);
    expect_everywhere("Authenticode", authenticode, one.authenticode);
  }
}

// CONFIG_PKCS7_WAIVE_AUTHATTRS_REJECTION_FOR_MLDSA looks at the first signer only.
TEST(Pkcs7Verify, WaiverForMlDsa) {
  Signed first_ml_dsa = plain();
  first_ml_dsa.usage = Usage::module;
  first_ml_dsa.signer().signed_attributes = attributes_with(message_digest_of(kData));
  first_ml_dsa.sample.signers.push_back(first_ml_dsa.signer());
  first_ml_dsa.signer().signature_algorithm = der::algorithm("2.16.840.1.101.3.4.3.17");
  first_ml_dsa.sign(1);
  Signed second_ml_dsa = first_ml_dsa;
  std::swap(second_ml_dsa.sample.signers[0], second_ml_dsa.sample.signers[1]);
  const Ended refused = refused_by(rule::usage_no_attributes);
  for (const Truth waived : {Truth::no, Truth::yes}) {
    first_ml_dsa.context.waive_mldsa_attributes = second_ml_dsa.context.waive_mldsa_attributes =
        waived;
    EXPECT_EQ(verify(kAnchor72, first_ml_dsa).end, waived == Truth::yes ? kVerified : refused);
    EXPECT_EQ(verify(kAnchor72, second_ml_dsa).end, refused);
  }
  first_ml_dsa.context.waive_mldsa_attributes = Truth::unknown;
  const std::string question = "config: CONFIG_PKCS7_WAIVE_AUTHATTRS_REJECTION_FOR_MLDSA";
  EXPECT_EQ(verify(kAnchor72, first_ml_dsa, {{question, true}}).end, kVerified);
  EXPECT_EQ(verify(kAnchor72, first_ml_dsa, {{question, false}}).end, refused);
}

TEST(Pkcs7Verify, MessageDigest) {
  Signed made = plain();
  const auto with = [&](const Bytes& digest) {
    made.signer().signed_attributes = attributes_with(digest);
    made.sign();
    return made;
  };
  expect_everywhere("right", with(message_digest_of(kData)), kVerified);
  expect_everywhere("of other data", with(message_digest_of("other")),
                    refused_by(rule::message_digest));
  expect_everywhere("short", with(der::octet_string(Bytes(31, 1))),
                    refused_by(rule::message_digest_size));
  expect_everywhere("empty", with(der::octet_string({})), refused_by(rule::message_digest_size));
  expect_everywhere("long", with(der::octet_string(Bytes(33, 1))),
                    refused_by(rule::message_digest_size));
}

TEST(Pkcs7Verify, AnEmbeddedCertificateVerifies) {
  namespace pk = rules::public_key;
  const auto made = [](auto change) {
    Signed one = plain();
    one.embed({signer_certificate()});
    change(one);
    return one;
  };
  expect_everywhere("good", made([](Signed&) {}), kVerified);
  expect_everywhere("signed by another", made([](Signed& one) { one.sign(0, kOtherKey); }),
                    refused_by(pk::rsa_first_octet));
  expect_everywhere("empty signature",
                    made([](Signed& one) { one.signer().signature = der::octet_string({}); }),
                    refused_by(pk::rsa_length));
  expect_everywhere("ECDSA by an RSA key", made([](Signed& one) {
                      one.signer().signature_algorithm = der::algorithm("1.2.840.10045.4.3.2");
                    }),
                    refused_by(pk::same_kind));
  expect_everywhere("over other data", made([](Signed& one) {
                      one.signer().signature =
                          der::octet_string(rsa_sign(kGoodKey, bytes_of("other")));
                    }),
                    refused_by(pk::rsa_digest));
  // Without the certificate, or with one that the signer does not name, nothing is asked here.
  Signed bare = plain();
  bare.sign(0, kOtherKey);
  expect_everywhere("no certificate", bare, kVerified);
  bare.embed({rsa_certificate("other issuer", "signer")});
  expect_everywhere("another certificate", bare, kVerified);
  // A signer that is named by its key identifier never finds its certificate.
  CertificateSample with_skid = signer_certificate();
  with_skid.extensions = {extension(oids::kSubjectKeyIdentifier, der::from_hex("0402a1a2"))};
  bare.embed({with_skid});
  bare.sample.version = bare.signer().version = der::integer(3);
  bare.signer().sid = key_identifier_sid(der::from_hex("a1a2"));
  expect_everywhere("by key identifier", bare, kVerified);
}

TEST(Pkcs7Verify, SigningTimeAndValidity) {
  struct Case {
    std::string_view time;
    bool inside;
  };
  // The certificate is valid from 2020-01-01 00:00:00 to 2049-12-31 23:59:59.
  const Case cases[] = {{"200101000000Z", true},
                        {"491231235959Z", true},
                        {"191231235959Z", false},
                        {"991231235959Z", false},
                        {"260601120000Z", true}};
  for (const Case& one : cases)
    for (const bool embedded : {true, false}) {
      Signed made = plain();
      made.signer().signed_attributes = attributes_with(message_digest_of(kData), one.time);
      made.sign();
      if (embedded) made.embed({signer_certificate()});
      expect_everywhere(one.time, made,
                        one.inside || !embedded ? kVerified : refused_by(rule::signing_time));
    }
}

CertificateSample with_authority(CertificateSample sample, std::initializer_list<Bytes> parts) {
  sample.extensions.push_back(extension(oids::kAuthorityKeyIdentifier, der::element(0x30, parts)));
  return sample;
}

CertificateSample with_skid(CertificateSample sample, std::string_view hex) {
  sample.extensions.push_back(
      extension(oids::kSubjectKeyIdentifier, der::octet_string(der::from_hex(hex))));
  return sample;
}

Bytes by_key(std::string_view hex) { return der::element(0x80, der::from_hex(hex)); }
Bytes by_issuer(std::string_view name) {
  return der::element(0xA1, {der::element(0xA4, {der::name(name)})});
}
Bytes by_serial() { return der::element(0x82, der::from_hex("1234")); }

TEST(Pkcs7Verify, ChainsOfEmbeddedCertificates) {
  namespace pk = rules::public_key;
  const CertificateSample ca = with_skid(rsa_certificate("root", "issuer"), "caca");
  const CertificateSample other_ca =
      with_skid(rsa_certificate("root", "issuer", kOtherKey), "caca");
  const CertificateSample leaf = signer_certificate();
  struct Case {
    std::string_view name;
    std::vector<CertificateSample> certificates;
    Ended end;
  };
  const CertificateSample by_skid = with_authority(leaf, {by_key("caca")});
  const CertificateSample by_id = with_authority(leaf, {by_issuer("root"), by_serial()});
  const CertificateSample by_both =
      with_authority(leaf, {by_key("caca"), by_issuer("root"), by_serial()});
  const CertificateSample by_wrong_both =
      with_authority(leaf, {by_key("ffff"), by_issuer("root"), by_serial()});
  const CertificateSample ca_by_leaf = with_authority(ca, {by_issuer("issuer"), by_serial()});
  CertificateSample ca_without_skid = rsa_certificate("root", "issuer");
  const Case cases[] = {
      {"no authority", {leaf, other_ca}, kVerified},
      {"by key identifier", {by_skid, ca}, kVerified},
      {"by issuer and serial", {by_id, ca}, kVerified},
      {"by both", {by_both, ca}, kVerified},
      {"authority absent", {by_both}, kVerified},
      {"signed by another, by key identifier",
       {by_skid, other_ca},
       refused_by(pk::rsa_first_octet)},
      {"signed by another, by issuer and serial",
       {by_id, other_ca},
       refused_by(pk::rsa_first_octet)},
      {"issuer and serial fit, key identifier does not",
       {by_wrong_both, ca},
       refused_by(rule::chain_skid)},
      {"issuer without key identifier", {by_both, ca_without_skid}, refused_by(rule::chain_skid)},
      {"the first of two fits", {by_skid, other_ca, ca}, refused_by(pk::rsa_first_octet)},
      {"a loop", {by_id, ca_by_leaf}, kVerified},
  };
  for (const Case& one : cases) {
    Signed made = plain();
    Bytes all;
    for (const CertificateSample& certificate : one.certificates)
      all = der::join({all, certificate.write(rsa_signer(kGoodKey))});
    made.sample.certificates = der::element(0xA0, all);
    expect_everywhere(one.name, made, one.end);
  }
}

TEST(Pkcs7Verify, SeveralSigners) {
  Signed two = plain();
  two.sample.signers.push_back(two.signer());
  two.sample.signers[1].digest_algorithm = der::algorithm("2.16.840.1.101.3.4.2.3");  // SHA-512
  KernelCrypto no_sha512;
  no_sha512.hashes[static_cast<std::size_t>(Hash::sha512)] = Truth::no;
  KernelCrypto no_sha256;
  no_sha256.hashes[static_cast<std::size_t>(Hash::sha256)] = Truth::no;
  KernelCrypto neither = no_sha256;
  neither.hashes[static_cast<std::size_t>(Hash::sha512)] = Truth::no;

  expect_everywhere("both good", two, kVerified);
  two.context.crypto = no_sha512;
  expect_everywhere("second unsupported", two, kVerified);
  EXPECT_EQ(verify(kAnchor72, two).unsupported, (std::vector<bool>{false, true}));
  two.context.crypto = no_sha256;
  expect_everywhere("first unsupported", two, kVerified);
  EXPECT_EQ(verify(kAnchor72, two).unsupported, (std::vector<bool>{true, false}));
  two.context.crypto = neither;
  expect_everywhere("none supported", two, refused_by(rule::hash_available));
  // An error that is not ENOPKG ends the search.
  two.context.crypto = no_sha512;
  two.embed({signer_certificate(kOtherKey)});
  expect_everywhere("first bad", two, refused_by(rules::public_key::rsa_first_octet));
}

TEST(Pkcs7Verify, BlacklistedCertificates) {
  const CertificateSample ca = with_skid(rsa_certificate("root", "issuer"), "caca");
  const CertificateSample leaf = with_authority(signer_certificate(), {by_key("caca")});
  const auto listed = [](const CertificateSample& sample) {
    return "tbs:" + to_hex(digest_of(Hash::sha256, sample.tbs()));
  };
  Signed made = plain();
  made.embed({leaf, ca});
  expect_everywhere("none listed", made, kVerified);
  made.context.blocklist.add(listed(ca));
  expect_everywhere("issuer listed", made, refused_by(rule::blacklisted));
  made.context.blocklist = {};
  made.context.blocklist.add(listed(leaf));
  expect_everywhere("signer listed", made, refused_by(rule::blacklisted));
  EXPECT_EQ(verify(kAnchor72, made).blacklisted, std::vector<bool>{true});
  // Another signer, in order or not known here, makes up for it.
  made.sample.signers.push_back(made.signer());
  made.sample.signers[1].sid = der::sequence({der::name("somebody"), der::integer(1)});
  expect_everywhere("and another signer", made, kVerified);
  EXPECT_EQ(verify(kAnchor72, made).blacklisted, (std::vector<bool>{true, false}));
  // Blacklisted counts for more than unsupported.
  made.sample.signers[1].digest_algorithm = der::algorithm("2.16.840.1.101.3.4.2.3");
  made.context.crypto.hashes[static_cast<std::size_t>(Hash::sha512)] = Truth::no;
  expect_everywhere("and an unsupported one", made, refused_by(rule::blacklisted));
}

TEST(Pkcs7Verify, OpenQuestionsAboutDigests) {
  Signed made = plain();
  made.context.crypto.hashes[static_cast<std::size_t>(Hash::sha256)] = Truth::unknown;
  EXPECT_EQ(verify(kAnchor72, made, {{"config: sha256", true}}).end, kVerified);
  EXPECT_EQ(verify(kAnchor72, made, {{"config: sha256", false}}).end,
            refused_by(rule::hash_available));
  // A digest that libcrypto lacks is compared with the attribute in neither way.
  Signed streebog = plain();
  streebog.signer().digest_algorithm = der::algorithm("1.2.643.7.1.1.2.2");
  streebog.signer().signed_attributes = attributes_with(der::octet_string(Bytes(32, 1)));
  EXPECT_EQ(verify(kAnchor72, streebog, {{"libcrypto: streebog256", true}}).end, kVerified);
  EXPECT_EQ(verify(kAnchor72, streebog, {{"libcrypto: streebog256", false}}).end,
            refused_by(rule::message_digest));
}

}  // namespace
}  // namespace assay
