// check_certificate: what each kernel keeps of a certificate, rule by rule.

#include "signatures/certificate.h"

#include <gtest/gtest.h>

#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::x509;

const Ended kKept;

struct Checked {
  Ended end;
  CertificateState state;
};

Checked check(KernelVersion version, const Bytes& bytes, const KernelCrypto& crypto = {},
              const Blocklist& blocklist = {}) {
  const PreparedCertificate prepared{View(bytes)};
  PrimitiveCache cache;
  Walk walk = walk_of(version);
  Checked checked;
  const Outcome outcome =
      check_certificate(walk, prepared, crypto, blocklist, cache, checked.state);
  checked.end = ended(walk, outcome);
  return checked;
}

// For each of 6.1, 6.12 and 7.2: k kept, or the rule that refuses.
struct RuleCase {
  std::string_view name;
  CertificateSample sample;
  Ended in_61;
  Ended in_612;
  Ended in_72;
};

// One that is not self-signed, so that nobody looks at its signature.
template <class Change>
RuleCase case_of(std::string_view name, const Ended& in_61, const Ended& in_612, const Ended& in_72,
                 Change change) {
  RuleCase one{name, rsa_certificate("issuer", "subject"), in_61, in_612, in_72};
  change(one.sample);
  return one;
}

template <class Change>
RuleCase everywhere(std::string_view name, const Ended& end, Change change) {
  return case_of(name, end, end, end, change);
}

void sign_with(CertificateSample& sample, std::string_view oid) {
  sample.inner_algorithm = sample.outer_algorithm = der::algorithm(oid);
}

void set_key(CertificateSample& sample, std::string_view oid, const Bytes& parameters) {
  sample.key_algorithm = der::sequence({der::oid(oid), parameters});
  sample.key = der::bit_string(Bytes(65, 4));
}

template <class Value>
auto with_extension(std::string_view oid, Value hex) {
  return [oid, hex](CertificateSample& sample) {
    sample.extensions = {extension(oid, der::from_hex(hex))};
  };
}

std::vector<RuleCase> algorithm_cases() {
  const Ended algo = refused_by(rule::sig_algo);
  const Ended key = refused_by(rule::key_algo);
  const Ended params = refused_by(rule::key_params);
  const auto signs = [](std::string_view oid) {
    return [oid](CertificateSample& sample) { sign_with(sample, oid); };
  };
  const auto curve = [](std::string_view oid) {
    return
        [oid](CertificateSample& sample) { set_key(sample, "1.2.840.10045.2.1", der::oid(oid)); };
  };
  const auto params_of = [](const Bytes& parameters) {
    return [parameters](CertificateSample& sample) {
      set_key(sample, "1.2.840.10045.2.1", parameters);
    };
  };
  const auto keyed = [](std::string_view oid) {
    return [oid](CertificateSample& sample) { set_key(sample, oid, der::null()); };
  };
  return {
      everywhere("sha256WithRSA", kKept, signs("1.2.840.113549.1.1.11")),
      everywhere("sha1WithRSA", kKept, signs("1.2.840.113549.1.1.5")),
      everywhere("sha512WithRSA", kKept, signs("1.2.840.113549.1.1.13")),
      everywhere("sha224WithRSA", kKept, signs("1.2.840.113549.1.1.14")),
      case_of("md5WithRSA", kKept, algo, algo, signs("1.2.840.113549.1.1.4")),
      everywhere("md2WithRSA", algo, signs("1.2.840.113549.1.1.2")),
      everywhere("1.2.840.113549.1.1.3", algo, signs("1.2.840.113549.1.1.3")),
      everywhere("RSASSA-PSS", algo, signs("1.2.840.113549.1.1.10")),
      everywhere("rsaEncryption", algo, signs("1.2.840.113549.1.1.1")),
      case_of("sha3-256 with RSA", algo, kKept, kKept, signs("2.16.840.1.101.3.4.3.14")),
      everywhere("sha3-224 with RSA", algo, signs("2.16.840.1.101.3.4.3.13")),
      everywhere("ecdsa with SHA256", kKept, signs("1.2.840.10045.4.3.2")),
      case_of("ecdsa with SHA3-512", algo, kKept, kKept, signs("2.16.840.1.101.3.4.3.12")),
      everywhere("Ed25519", algo, signs("1.3.101.112")),
      everywhere("GOST 2012, 256", kKept, signs("1.2.643.7.1.1.3.2")),
      case_of("SM2 with SM3", kKept, algo, algo, signs("1.2.156.10197.1.501")),
      case_of("ML-DSA-65", algo, algo, kKept, signs("2.16.840.1.101.3.4.3.18")),
      everywhere("P-192", kKept, curve("1.2.840.10045.3.1.1")),
      everywhere("P-256", kKept, curve("1.2.840.10045.3.1.7")),
      everywhere("P-384", kKept, curve("1.3.132.0.34")),
      case_of("P-521", key, kKept, kKept, curve("1.3.132.0.35")),
      everywhere("P-224", key, curve("1.3.132.0.33")),
      everywhere("secp256k1", key, curve("1.3.132.0.10")),
      case_of("SM2 as a curve", kKept, key, key, curve("1.2.156.10197.1.301")),
      case_of("SM2 as an algorithm", kKept, key, key, keyed("1.2.156.10197.1.301")),
      everywhere("Ed25519 key", key, keyed("1.3.101.112")),
      everywhere("RSASSA-PSS key", key, keyed("1.2.840.113549.1.1.10")),
      everywhere("GOST key", kKept, keyed("1.2.643.7.1.1.1.1")),
      case_of("ML-DSA-87 key", key, key, kKept, keyed("2.16.840.1.101.3.4.3.19")),
      everywhere("explicit curve", params, params_of(der::sequence({der::integer(1)}))),
      everywhere("no curve", params, params_of({})),
      everywhere("empty curve", params, params_of(der::from_hex("0600"))),
      everywhere("curve with a long length", params,
                 params_of(der::from_hex("0681082a8648ce3d030107"))),
  };
}

std::vector<RuleCase> structure_cases() {
  const Ended time = refused_by(rule::time);
  const Ended bits = refused_by(rule::key_bits);
  const Ended skid = refused_by(rule::skid);
  const Ended usage = refused_by(rule::key_usage);
  const Ended constraints = refused_by(rule::basic_constraints);
  const Ended tag = refused_by(rules::asn1::tag);
  const Ended bounds = refused_by(rules::asn1::bounds);
  const auto akid = [](const Bytes& names) {
    return [names](CertificateSample& sample) {
      sample.extensions = {
          extension(oids::kAuthorityKeyIdentifier, der::sequence({der::element(0xA1, {names})}))};
    };
  };
  return {
      everywhere("month 13", time,
                 [](auto& sample) { sample.not_before = der::text(0x17, "201301000000Z"); }),
      everywhere("29 February 2041", time,
                 [](auto& sample) { sample.not_after = der::text(0x17, "410229000000Z"); }),
      everywhere("GeneralizedTime of 2020", time,
                 [](auto& sample) { sample.not_after = der::text(0x18, "20200101000000Z"); }),
      everywhere("no time at all", time,
                 [](auto& sample) { sample.not_before = sample.not_after = {}; }),
      everywhere("one time for both", kKept, [](auto& sample) { sample.not_after = {}; }),
      everywhere("expired", kKept,
                 [](auto& sample) { sample.not_after = der::text(0x17, "200101000001Z"); }),
      everywhere("ends before it starts", kKept,
                 [](auto& sample) { sample.not_after = der::text(0x17, "000101000000Z"); }),
      everywhere("key with unused bits", bits,
                 [](auto& sample) {
                   sample.key[sample.key.size() - rsa_public_key(kGoodKey).size() - 1] = 1;
                 }),
      everywhere("key without octets", bits,
                 [](auto& sample) { sample.key = der::from_hex("0300"); }),
      everywhere("empty key", kKept, [](auto& sample) { sample.key = der::from_hex("030100"); }),
      everywhere("skid", kKept, with_extension(oids::kSubjectKeyIdentifier, "0401aa")),
      everywhere("empty skid", skid, with_extension(oids::kSubjectKeyIdentifier, "0400")),
      everywhere("skid as BIT STRING", skid, with_extension(oids::kSubjectKeyIdentifier, "0301aa")),
      everywhere("two skids", skid,
                 [](auto& sample) {
                   const Bytes value = der::from_hex("0401aa");
                   sample.extensions = {extension(oids::kSubjectKeyIdentifier, value),
                                        extension(oids::kSubjectKeyIdentifier, value)};
                 }),
      everywhere("keyUsage", kKept, with_extension(oids::kKeyUsage, "03020780")),
      case_of("empty keyUsage", kKept, usage, usage, with_extension(oids::kKeyUsage, "030100")),
      case_of("keyUsage as OCTET STRING", kKept, usage, usage,
              with_extension(oids::kKeyUsage, "04020780")),
      everywhere("CA:TRUE", kKept, with_extension(oids::kBasicConstraints, "30030101ff")),
      case_of("CA:FALSE", kKept, constraints, constraints,
              with_extension(oids::kBasicConstraints, "3003010100")),
      case_of("path length without CA", kKept, constraints, constraints,
              with_extension(oids::kBasicConstraints, "3003020100")),
      everywhere("unknown extension of any value", kKept, with_extension("1.2.3.4", "ff")),
      everywhere("authority key identifier that is none", tag,
                 with_extension(oids::kAuthorityKeyIdentifier, "0401aa")),
      everywhere("empty authority key identifier", bounds,
                 with_extension(oids::kAuthorityKeyIdentifier, "")),
      case_of("authority by URI", tag, kKept, kKept, akid(der::text(0x86, "http://x"))),
      case_of("authority by tagged string", kKept, tag, tag,
              akid(der::element(0xA6, {der::text(0x16, "x")}))),
      everywhere(
          "another algorithm outside", refused_by(rule::same_algo),
          [](auto& sample) { sample.outer_algorithm = der::algorithm("1.2.840.113549.1.1.5"); }),
      everywhere("unknown algorithm outside", refused_by(rule::same_algo),
                 [](auto& sample) { sample.outer_algorithm = der::algorithm("1.2.3"); }),
      everywhere("other parameters outside", kKept,
                 [](auto& sample) {
                   sample.outer_algorithm = der::sequence({der::oid(oids::kRsaSha256)});
                 }),
      everywhere("signature with unused bits", refused_by(rule::signature_bits),
                 [](auto& sample) { sample.signature = der::from_hex("030201aa"); }),
      everywhere("signature without octets", refused_by(rule::signature_bits),
                 [](auto& sample) { sample.signature = der::from_hex("0300"); }),
      everywhere("negative serial", kKept,
                 [](auto& sample) { sample.serial = der::from_hex("0201ff"); }),
      everywhere("empty serial", kKept,
                 [](auto& sample) { sample.serial = der::from_hex("0200"); }),
      everywhere("version 1", kKept, [](auto& sample) { sample.version = {}; }),
      everywhere("serial of another tag", tag, [](auto& sample) { sample.serial = der::null(); }),
  };
}

TEST(CheckCertificate, EveryRule) {
  for (const auto& cases : {algorithm_cases(), structure_cases()})
    for (const RuleCase& one : cases) {
      const Bytes bytes = one.sample.write();
      EXPECT_EQ(check(kAnchor61, bytes).end, one.in_61) << one.name << " in 6.1";
      EXPECT_EQ(check(kAnchor612, bytes).end, one.in_612) << one.name << " in 6.12";
      EXPECT_EQ(check(kAnchor72, bytes).end, one.in_72) << one.name << " in 7.2";
    }
}

// The first rule in the order of the bytes decides.
TEST(CheckCertificate, TheFirstFaultDecides) {
  CertificateSample sample = rsa_certificate("issuer", "subject");
  sample.signature = der::from_hex("0300");
  sample.extensions = {extension(oids::kSubjectKeyIdentifier, der::from_hex("0400"))};
  EXPECT_EQ(check(kAnchor72, sample.write()).end, refused_by(rule::skid));
  sample.key = der::from_hex("0300");
  EXPECT_EQ(check(kAnchor72, sample.write()).end, refused_by(rule::key_bits));
  sample.not_after = der::text(0x17, "");
  EXPECT_EQ(check(kAnchor72, sample.write()).end, refused_by(rule::time));
  sign_with(sample, "1.2.3");
  EXPECT_EQ(check(kAnchor72, sample.write()).end, refused_by(rule::sig_algo));
  sample.serial = der::null();
  EXPECT_EQ(check(kAnchor72, sample.write()).end, refused_by(rules::asn1::tag));
}

TEST(CheckCertificate, EveryFaultOfTheEncoding) {
  const Bytes good = rsa_certificate("issuer", "subject").write();
  struct Case {
    std::string_view name;
    Bytes bytes;
    const Rule* rule;
  };
  Bytes big = good;
  big.resize(65536);
  Bytes long_tag = good;
  long_tag[0] = 0x3F;
  Bytes other_tag = good;
  other_tag[0] = 0x02;
  const Bytes body(good.begin() + 4, good.end());
  CertificateSample leftover = rsa_certificate("issuer", "subject");
  leftover.outer_algorithm = der::sequence({der::oid(oids::kRsaSha256), der::null(), der::null()});
  CertificateSample indefinite_primitive = rsa_certificate("issuer", "subject");
  indefinite_primitive.serial = der::from_hex("0280010000");
  const Case cases[] = {
      {"too long", big, &rules::asn1::size},
      {"cut", Bytes(good.begin(), good.end() - 1), &rules::asn1::bounds},
      {"another tag", other_tag, &rules::asn1::tag},
      {"long tag", long_tag, &rules::asn1::long_tag},
      {"three length octets", der::long_form(0x30, body, 3), &rules::asn1::length},
      {"primitive of indefinite length", indefinite_primitive.write(), &rules::asn1::indefinite},
      {"without end-of-contents", der::join({{0x30, 0x80}, body, {1, 0}}),
       &rules::asn1::end_of_contents},
      {"end-of-contents with a length", der::join({{0x30, 0x80}, body, {0, 1}}),
       &rules::asn1::end_of_contents},
      {"leftover", leftover.write(), &rules::asn1::leftover},
  };
  for (const Case& one : cases)
    for (const KernelVersion version : kAnchors)
      EXPECT_EQ(check(version, one.bytes).end, refused_by(*one.rule)) << one.name;
}

CertificateSample self_signed(std::initializer_list<Bytes> akid_parts = {}) {
  CertificateSample sample = rsa_certificate("self", "self");
  sample.extensions = {extension(oids::kSubjectKeyIdentifier, der::from_hex("0402a1a2"))};
  if (akid_parts.size() != 0)
    sample.extensions.push_back(
        extension(oids::kAuthorityKeyIdentifier, der::element(0x30, akid_parts)));
  return sample;
}

Bytes akid_key(std::string_view hex) { return der::element(0x80, der::from_hex(hex)); }
Bytes akid_issuer(std::string_view name) {
  return der::element(0xA1, {der::element(0xA4, {der::name(name)})});
}
Bytes akid_serial(std::string_view hex) { return der::element(0x82, der::from_hex(hex)); }

TEST(SelfSigned, ByNameAndByAuthorityKeyIdentifier) {
  const Ended ids = refused_by(rule::self_signed_ids);
  struct Case {
    std::string_view name;
    CertificateSample sample;
    Ended end;
    bool self_signed;
  };
  CertificateSample other_name = self_signed();
  other_name.issuer = der::name("other");
  CertificateSample other_string = self_signed();
  other_string.issuer =
      der::sequence({der::set({der::sequence({der::oid("2.5.4.3"), der::text(0x13, "self")})})});
  const Case cases[] = {
      {"by name", self_signed(), kKept, true},
      {"by key identifier", self_signed({akid_key("a1a2")}), kKept, true},
      {"by issuer and serial", self_signed({akid_issuer("self"), akid_serial("1234")}), kKept,
       true},
      {"by both", self_signed({akid_key("a1a2"), akid_issuer("self"), akid_serial("1234")}), kKept,
       true},
      {"another key identifier", self_signed({akid_key("ffff")}), kKept, false},
      {"another serial", self_signed({akid_issuer("self"), akid_serial("77")}), kKept, false},
      {"both others", self_signed({akid_key("ff"), akid_issuer("self"), akid_serial("77")}), kKept,
       false},
      {"only the key identifier",
       self_signed({akid_key("a1a2"), akid_issuer("self"), akid_serial("77")}), ids, false},
      {"only issuer and serial",
       self_signed({akid_key("ff"), akid_issuer("self"), akid_serial("1234")}), ids, false},
      {"serial without issuer", self_signed({akid_serial("77")}), kKept, true},
      {"another name", other_name, kKept, false},
      {"another kind of string", other_string, kKept, false},
  };
  for (const Case& one : cases)
    for (const KernelVersion version : kAnchors) {
      const Checked checked = check(version, one.sample.write(rsa_signer(kGoodKey)));
      EXPECT_EQ(checked.end, one.end) << one.name;
      EXPECT_EQ(checked.state.self_signed, one.self_signed) << one.name;
    }
}

TEST(SelfSigned, ASignatureOfItsOwnThatFailsEndsTheParse) {
  namespace pk = rules::public_key;
  const CertificateSample sample = self_signed();
  for (const KernelVersion version : kAnchors) {
    EXPECT_EQ(check(version, sample.write(rsa_signer(kOtherKey))).end,
              refused_by(pk::rsa_first_octet));
    EXPECT_EQ(check(version, sample.write()).end, refused_by(pk::rsa_length));
    KernelCrypto crypto;
    crypto.rsa = Truth::no;
    EXPECT_EQ(check(version, sample.write(rsa_signer(kGoodKey)), crypto).end,
              refused_by(pk::available));
    // Of another's certificate nobody looks at it here.
    CertificateSample leaf = rsa_certificate("issuer", "subject");
    EXPECT_EQ(check(version, leaf.write(), crypto).end, kKept);
  }
  CertificateSample big = self_signed();
  big.key = der::bit_string(der::sequence({der::integer(Bytes(1024, 0xFF)), der::integer(3)}));
  EXPECT_EQ(check(kAnchor72, big.write()).end, refused_by(pk::rsa_key_size));
}

TEST(CheckCertificate, DigestsThatTheKernelLacks) {
  KernelCrypto crypto;
  crypto.hashes[static_cast<std::size_t>(Hash::sha256)] = Truth::no;
  for (const KernelVersion version : kAnchors) {
    // Kept, even self-signed with a signature that is none.
    const Checked checked = check(version, self_signed().write(rsa_signer(kOtherKey)), crypto);
    EXPECT_EQ(checked.end, kKept);
    EXPECT_TRUE(checked.state.unsupported_sig);
    EXPECT_FALSE(checked.state.self_signed);
  }
  EXPECT_FALSE(check(kAnchor72, self_signed().write(rsa_signer(kGoodKey))).state.unsupported_sig);
}

// A chain is verified with a digest of no bytes then.
TEST(VerifyCertificateSignature, WithoutTheDigest) {
  const Bytes leaf = rsa_certificate("ca", "leaf").write(rsa_signer(kGoodKey));
  const Bytes ca = rsa_certificate("ca", "ca").write(rsa_signer(kGoodKey));
  const PreparedCertificate prepared_leaf{View(leaf)};
  const PreparedCertificate prepared_ca{View(ca)};
  for (const bool has_digest : {true, false}) {
    KernelCrypto crypto;
    crypto.hashes[static_cast<std::size_t>(Hash::sha256)] = truth(has_digest);
    PrimitiveCache cache;
    Walk walk = walk_of(kAnchor72);
    CertificateState state;
    ASSERT_FALSE(check_certificate(walk, prepared_leaf, crypto, {}, cache, state).failed());
    const Outcome outcome = verify_certificate_signature(walk, prepared_leaf, state, KeyKind::rsa,
                                                         prepared_ca.key(), crypto, cache);
    EXPECT_EQ(ended(walk, outcome), has_digest ? kKept : refused_by(rules::public_key::rsa_length));
  }
}

TEST(Blocklist, OfTbsCertificates) {
  CertificateSample sha1 = rsa_certificate("issuer", "subject");
  sign_with(sha1, "1.2.840.113549.1.1.5");
  CertificateSample sha256 = rsa_certificate("issuer", "subject");
  struct Case {
    std::string_view name;
    CertificateSample sample;
    Hash listed;
    std::string_view blacklisted;  // y or n for 6.1, 6.12, 7.2
  };
  const Case cases[] = {
      {"its own digest, SHA-256", sha256, Hash::sha256, "yyy"},
      {"its own digest, SHA-1", sha1, Hash::sha1, "yyn"},
      {"SHA-256 of one signed with SHA-1", sha1, Hash::sha256, "nny"},
      {"SHA-1 of one signed with SHA-256", sha256, Hash::sha1, "nnn"},
  };
  for (const Case& one : cases) {
    const Bytes bytes = one.sample.write();
    Blocklist blocklist;
    blocklist.add("tbs:" + to_hex(digest_of(one.listed, one.sample.tbs())));
    std::string found;
    for (const KernelVersion version : kAnchors)
      found += check(version, bytes, {}, blocklist).state.blacklisted ? 'y' : 'n';
    EXPECT_EQ(found, one.blacklisted) << one.name;
    Blocklist other;
    other.add("bin:" + to_hex(digest_of(one.listed, one.sample.tbs())));
    EXPECT_FALSE(check(kAnchor72, bytes, {}, other).state.blacklisted);
  }
}

TEST(Blocklist, WithoutTheDigestOlderKernelsSeeNothing) {
  const CertificateSample sample = rsa_certificate("issuer", "subject");
  Blocklist blocklist;
  blocklist.add("tbs:" + to_hex(digest_of(Hash::sha256, sample.tbs())));
  KernelCrypto crypto;
  crypto.hashes[static_cast<std::size_t>(Hash::sha256)] = Truth::no;
  EXPECT_FALSE(check(kAnchor61, sample.write(), crypto, blocklist).state.blacklisted);
  EXPECT_FALSE(check(kAnchor612, sample.write(), crypto, blocklist).state.blacklisted);
  EXPECT_TRUE(check(kAnchor72, sample.write(), crypto, blocklist).state.blacklisted);
}

TEST(Blocklist, ComparesDescriptionsAsText) {
  const Digest digest(Hash::sha1, Bytes(20, 0xAB));
  Blocklist blocklist;
  EXPECT_TRUE(blocklist.empty());
  EXPECT_FALSE(blocklist.has_any(kBlockedTbs));
  std::string upper = digest.hex();
  for (char& c : upper) c = static_cast<char>(c >= 'a' ? c - 32 : c);
  blocklist.add("tbs:" + upper);
  EXPECT_FALSE(blocklist.lists(kBlockedTbs, digest));
  blocklist.add("tbs:" + digest.hex());
  EXPECT_TRUE(blocklist.lists(kBlockedTbs, digest));
  EXPECT_FALSE(blocklist.lists(kBlockedBinary, digest));
  EXPECT_TRUE(blocklist.has_any(kBlockedTbs));
  EXPECT_FALSE(blocklist.has_any(kBlockedBinary));
}

TEST(PreparedCertificate, OwnsOrBorrowsItsBytes) {
  const Bytes bytes = rsa_certificate("issuer", "subject").write();
  const auto owned = PreparedCertificate::own(bytes);
  const PreparedCertificate borrowed{View(bytes)};
  EXPECT_TRUE(same_bytes(owned->x509().raw, borrowed.x509().raw));
  EXPECT_NE(owned->x509().raw.bytes().data(), bytes.data());
  EXPECT_EQ(borrowed.x509().raw.bytes().data(), bytes.data());
  EXPECT_EQ(owned->own_tbs_digest()->hex(), owned->tbs_sha256()->hex());
}

}  // namespace
}  // namespace assay
