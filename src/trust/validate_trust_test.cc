// pkcs7_validate_trust and verify_pkcs7_message_sig: whose keys make a message good.

#include "trust/validate_trust.h"

#include <gtest/gtest.h>

#include "signatures/test_keys.h"
#include "trust/verify_pkcs7.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::pkcs7;

const Ended kTrusted;
const std::string_view kData = "data";

CertificateSample with_skid(CertificateSample sample, std::string_view hex) {
  sample.extensions.push_back(
      extension(oids::kSubjectKeyIdentifier, der::octet_string(der::from_hex(hex))));
  return sample;
}

CertificateSample with_authority(CertificateSample sample, std::initializer_list<Bytes> parts) {
  sample.extensions.push_back(extension(oids::kAuthorityKeyIdentifier, der::element(0x30, parts)));
  return sample;
}

Bytes by_key(std::string_view hex) { return der::element(0x80, der::from_hex(hex)); }

// The certificates of this test: a root, below it a CA with another key, below that a signer.
CertificateSample root() {
  return with_skid(rsa_certificate("root", "root", kRsaVectors[4]), "0001");
}
CertificateSample ca() {
  return with_authority(with_skid(rsa_certificate("root", "ca", kOtherKey), "0002"),
                        {by_key("0001")});
}
CertificateSample leaf() {
  return with_authority(with_skid(rsa_certificate("ca", "leaf"), "0003"), {by_key("0002")});
}
Bytes root_der() { return root().write(rsa_signer(kRsaVectors[4])); }
Bytes ca_der() { return ca().write(rsa_signer(kRsaVectors[4])); }
Bytes leaf_der() { return leaf().write(rsa_signer(kOtherKey)); }

Bytes sid_of(std::string_view issuer) {
  return der::sequence({der::name(issuer), der::integer(0x1234)});
}

struct World {
  MessageSample sample;
  SignatureContext context;
  Keyring ring{"ring"};
  Keyring revoked{"revoked"};
  bool has_revoked = false;
  bool has_ring = true;
  bool is_platform = false;

  // Signed by the leaf.
  World() {
    sample.signers[0].sid = sid_of("ca");
    sample.signers[0].signature = der::octet_string(rsa_sign(kGoodKey, bytes_of(kData)));
  }
  World& embed(std::initializer_list<Bytes> certificates) {
    sample.certificates = der::element(0xA0, certificates);
    return *this;
  }
  World& trust(const Bytes& certificate, KeyState usable = KeyState::good) {
    add(ring, certificate, usable);
    return *this;
  }
  World& revoke(const Bytes& certificate) {
    add(revoked, certificate, KeyState::good);
    has_revoked = true;
    return *this;
  }
  World& add_signer(const RsaVector& key, std::string_view issuer) {
    SignerSample signer;
    signer.sid = sid_of(issuer);
    signer.signature = der::octet_string(rsa_sign(key, bytes_of(kData)));
    sample.signers.push_back(signer);
    return *this;
  }

  static void add(Keyring& ring, const Bytes& certificate, KeyState usable) {
    Key key;
    key.certificate = PreparedCertificate::own(certificate);
    key.usable = usable;
    PrimitiveCache cache;
    Walk walk = walk_of(kAnchor72);
    EXPECT_FALSE(check_certificate(walk, *key.certificate, {}, {}, cache, key.state).failed());
    ring.add(key);
  }

  Ended verify(KernelVersion version, TrustedBy* by = nullptr) const {
    SignatureEvidence evidence(sample.write(), 0);
    EXPECT_TRUE(evidence.digest_data(ViewContent(View(bytes_of(kData))), 0, kData.size()));
    Walk walk = walk_of(version);
    const SignatureKeyrings keyrings{has_ring ? &ring : nullptr, is_platform,
                                     has_revoked ? &revoked : nullptr};
    TrustedBy trusted_by;
    const Outcome outcome =
        verify_pkcs7_signature(walk, evidence, context, keyrings, Usage::unspecified, trusted_by);
    if (by != nullptr) *by = trusted_by;
    return ended(walk, outcome);
  }
};

void expect_everywhere(std::string_view name, const World& world, const Ended& end) {
  for (const KernelVersion version : kAnchors)
    EXPECT_EQ(world.verify(version), end) << name << " in " << to_string(version);
}

TEST(ValidateTrust, TheSignerItself) {
  const Ended nobody = refused_by(rule::trusted_key);
  const Ended rejected = refused_by(rule::trusted_signature);
  expect_everywhere("no key", World(), nobody);
  expect_everywhere("the signer", World().trust(leaf_der()), kTrusted);
  expect_everywhere("the signer among others", World().trust(root_der()).trust(leaf_der()),
                    kTrusted);
  expect_everywhere("its issuer alone", World().trust(ca_der()), nobody);
  // A key of the same name that did not sign.
  expect_everywhere("another key of that name",
                    World().trust(rsa_certificate("ca", "x", kOtherKey).write()), rejected);
  World damaged = World();
  damaged.trust(leaf_der());
  damaged.sample.signers[0].signature = der::octet_string(Bytes(256, 1));
  expect_everywhere("damaged", damaged, rejected);
  damaged.sample.signers[0].signature_algorithm = der::algorithm("1.2.840.10045.4.3.2");
  expect_everywhere("of another kind", damaged, rejected);
}

TEST(ValidateTrust, ByKeyIdentifier) {
  World world;
  world.trust(leaf_der());
  world.sample.version = world.sample.signers[0].version = der::integer(3);
  world.sample.signers[0].sid = key_identifier_sid(der::from_hex("0003"));
  expect_everywhere("present", world, kTrusted);
  world.sample.signers[0].sid = key_identifier_sid(der::from_hex("0004"));
  expect_everywhere("absent", world, refused_by(rule::trusted_key));
  world.sample.signers[0].sid = key_identifier_sid({});
  expect_everywhere("empty", world, refused_by(rule::key_name));
  world.sample.signers[0].sid = sid_of("ca");
  expect_everywhere("version 3 by issuer", world, refused_by(rule::key_name));
}

TEST(ValidateTrust, ChainsOfEmbeddedCertificates) {
  const Ended nobody = refused_by(rule::trusted_key);
  const auto world = [](std::initializer_list<Bytes> embedded) { return World().embed(embedded); };
  expect_everywhere("leaf embedded, nothing trusted", world({leaf_der()}), nobody);
  expect_everywhere("leaf embedded and trusted", world({leaf_der()}).trust(leaf_der()), kTrusted);
  expect_everywhere("leaf embedded, CA trusted", world({leaf_der()}).trust(ca_der()), kTrusted);
  expect_everywhere("leaf embedded, root trusted", world({leaf_der()}).trust(root_der()), nobody);
  expect_everywhere("CA not embedded with the leaf", world({ca_der()}).trust(root_der()), nobody);
  expect_everywhere("both embedded, root trusted", world({leaf_der(), ca_der()}).trust(root_der()),
                    kTrusted);
  expect_everywhere("both embedded, CA trusted", world({leaf_der(), ca_der()}).trust(ca_der()),
                    kTrusted);
  expect_everywhere("all embedded, root trusted",
                    world({leaf_der(), ca_der(), root_der()}).trust(root_der()), kTrusted);
  expect_everywhere("all embedded, root unknown", world({leaf_der(), ca_der(), root_der()}),
                    nobody);
  expect_everywhere("all embedded, leaf trusted",
                    world({leaf_der(), ca_der(), root_der()}).trust(leaf_der()), kTrusted);

  TrustedBy by;
  const World chained = world({leaf_der(), ca_der()}).trust(root_der());
  EXPECT_EQ(chained.verify(kAnchor72, &by), kTrusted);
  ASSERT_NE(by.key, nullptr);
  EXPECT_EQ(short_name(by.key->certificate->x509().subject), "root");
  EXPECT_EQ(by.ring, &chained.ring);
}

// The trusted key must also verify what is below the certificate that was found.
TEST(ValidateTrust, ATrustedKeyOfTheRightNameThatDidNotSign) {
  const Bytes false_ca =
      with_authority(with_skid(rsa_certificate("root", "ca", kGoodKey), "0002"), {by_key("0001")})
          .write(rsa_signer(kRsaVectors[4]));
  expect_everywhere("CA by key identifier", World().embed({leaf_der()}).trust(false_ca),
                    refused_by(rule::trusted_signature));
  const Bytes false_leaf = with_skid(rsa_certificate("ca", "leaf", kOtherKey), "0003").write();
  expect_everywhere("leaf by issuer and serial", World().embed({leaf_der()}).trust(false_leaf),
                    refused_by(rule::trusted_signature));
}

// A certificate in the ring with the serial and issuer of an embedded one, but another key
// identifier.
TEST(ValidateTrust, KeysFoundByOneIdentifierOnly) {
  const Bytes other_skid = with_skid(rsa_certificate("ca", "leaf"), "ffff").write();
  // In the walk over embedded certificates this is passed over; the signer is then found by name.
  expect_everywhere("embedded", World().embed({leaf_der()}).trust(other_skid), kTrusted);
  // As the issuer of the last embedded certificate it ends the search.
  const Bytes leaf_by_both =
      with_authority(with_skid(rsa_certificate("ca", "leaf"), "0003"),
                     {by_key("0002"), der::element(0xA1, {der::element(0xA4, {der::name("root")})}),
                      der::element(0x82, der::from_hex("1234"))})
          .write(rsa_signer(kOtherKey));
  const Bytes ca_other_skid = with_skid(rsa_certificate("root", "ca", kOtherKey), "ffff").write();
  expect_everywhere("issuer", World().embed({leaf_by_both}).trust(ca_other_skid),
                    refused_by(rule::key_lookup));
}

TEST(ValidateTrust, ExpiredAndRevokedKeys) {
  struct Case {
    KeyState usable;
    Ended end;
  };
  const Case cases[] = {{KeyState::expired, refused_by(rule::key_not_expired)},
                        {KeyState::revoked, refused_by(rule::key_not_revoked)}};
  for (const Case& one : cases) {
    expect_everywhere("the signer", World().trust(leaf_der(), one.usable), one.end);
    expect_everywhere("another", World().trust(root_der(), one.usable), one.end);
    expect_everywhere("another beside the signer",
                      World().trust(root_der(), one.usable).trust(leaf_der()), kTrusted);
  }
}

TEST(ValidateTrust, SeveralSigners) {
  const Ended nobody = refused_by(rule::trusted_key);
  // The leaf signs with kGoodKey, the CA with kOtherKey.
  World both = World().add_signer(kOtherKey, "root");
  expect_everywhere("neither trusted", both, nobody);
  expect_everywhere("first trusted", World(both).trust(leaf_der()), kTrusted);
  expect_everywhere("second trusted", World(both).trust(ca_der()), kTrusted);
  expect_everywhere("both trusted", World(both).trust(leaf_der()).trust(ca_der()), kTrusted);
  World second_bad = World().add_signer(kGoodKey, "root");
  expect_everywhere("second trusted and bad", World(second_bad).trust(leaf_der()).trust(ca_der()),
                    refused_by(rule::trusted_signature));
  expect_everywhere("second unknown and bad", World(second_bad).trust(leaf_der()), kTrusted);
  // What is not supported counts for more than what is not known, and less than what is good.
  World unsupported = both;
  unsupported.sample.signers[1].digest_algorithm = der::algorithm("2.16.840.1.101.3.4.2.3");
  unsupported.context.crypto.hashes[static_cast<std::size_t>(Hash::sha512)] = Truth::no;
  expect_everywhere("unknown and unsupported", unsupported, refused_by(rule::some_signer));
  expect_everywhere("good and unsupported", World(unsupported).trust(leaf_der()), kTrusted);
}

// Two signers by one embedded certificate: what the first found is remembered.
TEST(ValidateTrust, SignersThatShareACertificate) {
  World shared = World().embed({leaf_der()}).add_signer(kGoodKey, "ca");
  expect_everywhere("trusted", World(shared).trust(ca_der()), kTrusted);
  expect_everywhere("unknown", shared, refused_by(rule::trusted_key));
}

// The kernel gives back ENOMEM as it is, and everything else as EKEYREJECTED.
TEST(ValidateTrust, NumbersThatTheKernelCannotRead) {
  const auto with_modulus = [](std::size_t size) {
    CertificateSample sample = rsa_certificate("ca", "leaf");
    sample.key = der::bit_string(der::sequence({der::integer(Bytes(size, 0xFF)), der::integer(3)}));
    return World().trust(sample.write());
  };
  expect_everywhere("16384 bits", with_modulus(2048), refused_by(rule::trusted_signature));
  expect_everywhere("16392 bits", with_modulus(2049),
                    refused_by(rules::public_key::rsa_number_size));
}

TEST(VerifyPkcs7, DataMustBeDetached) {
  World world = World().trust(leaf_der());
  world.sample.content = der::sequence(
      {der::oid(oids::kData), der::element(0xA0, {der::octet_string(bytes_of(kData))})});
  expect_everywhere("attached", world, refused_by(rule::detached));
}

TEST(VerifyPkcs7, TheKeyringMustExist) {
  World world;
  world.has_ring = false;
  world.is_platform = true;
  expect_everywhere("no platform keyring", world, refused_by(rule::keyring_present));
  // 6.1 finds this out before it asks for revocation, later kernels after.
  world.revoke(leaf_der());
  EXPECT_EQ(world.verify(kAnchor61), refused_by(rule::keyring_present));
  EXPECT_EQ(world.verify(kAnchor612), refused_by(rule::revoked));
  EXPECT_EQ(world.verify(kAnchor72), refused_by(rule::revoked));
}

TEST(VerifyPkcs7, RevokedCertificates) {
  const Ended revoked = refused_by(rule::revoked);
  struct Case {
    std::string_view name;
    World world;
    bool is_revoked;
  };
  const Case cases[] = {
      {"the signer", World().trust(leaf_der()).revoke(leaf_der()), true},
      {"another", World().trust(leaf_der()).revoke(root_der()), false},
      {"the issuer, leaf not embedded", World().trust(leaf_der()).revoke(ca_der()), false},
      {"the issuer, leaf embedded", World().embed({leaf_der()}).trust(leaf_der()).revoke(ca_der()),
       true},
      {"the signer, not trusted", World().revoke(leaf_der()), true},
      {"one of two signers",
       World().add_signer(kOtherKey, "root").trust(leaf_der()).revoke(ca_der()), true},
      {"a key of that name that did not sign",
       World().trust(leaf_der()).revoke(rsa_certificate("ca", "x", kOtherKey).write()), false},
  };
  for (const Case& one : cases)
    for (const bool is_platform : {false, true}) {
      World world = one.world;
      world.is_platform = is_platform;
      const Ended otherwise = world.ring.keys().empty() ? refused_by(rule::trusted_key) : kTrusted;
      const Ended expected = one.is_revoked ? revoked : otherwise;
      EXPECT_EQ(world.verify(kAnchor61), is_platform ? expected : otherwise) << one.name;
      EXPECT_EQ(world.verify(kAnchor612), expected) << one.name;
      EXPECT_EQ(world.verify(kAnchor72), expected) << one.name;
    }
}

// A certificate among the crls is parsed and forgotten: it makes no chain.
TEST(VerifyPkcs7, CertificatesOfCrlsMakeNoChain) {
  World world;
  world.sample.crls = der::element(0xA1, {der::sequence({leaf_der()})});
  expect_everywhere("CA trusted", World(world).trust(ca_der()), refused_by(rule::trusted_key));
  expect_everywhere("leaf trusted", World(world).trust(leaf_der()), kTrusted);
}

}  // namespace
}  // namespace assay
