// pkcs7_parse_message: what each kernel says at every place of a message.

#include <gtest/gtest.h>

#include "signatures/pkcs7.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::pkcs7;

const Ended kParsed;

Ended parse(KernelVersion version, const Bytes& message) {
  const SignatureEvidence evidence(message, 0);
  const SignatureContext context;
  Pkcs7 pkcs7(evidence, context);
  Walk walk = walk_of(version);
  return ended(walk, pkcs7.parse(walk));
}

struct ParseCase {
  std::string_view name;
  Bytes message;
  Ended in_61;
  Ended in_612;
  Ended in_72;
};

using Change = void (*)(MessageSample&);

ParseCase case_of(std::string_view name, const Ended& in_61, const Ended& in_612,
                  const Ended& in_72, Change change) {
  MessageSample sample;
  change(sample);
  return {name, sample.write(), in_61, in_612, in_72};
}

ParseCase everywhere(std::string_view name, const Ended& end, Change change) {
  return case_of(name, end, end, end, change);
}

SignerSample& signer(MessageSample& sample) { return sample.signers[0]; }

Bytes algorithm_sequence(std::string_view oid) { return der::sequence({der::oid(oid)}); }

AttributeSample content_type(std::string_view oid = oids::kData) {
  return {oids::kContentType, {der::oid(oid)}};
}
AttributeSample message_digest() {
  return {oids::kMessageDigest, {der::octet_string(Bytes(32, 1))}};
}

Bytes indirect_data() { return der::sequence({der::oid(oids::kIndirectData)}); }

std::vector<ParseCase> message_cases() {
  const Ended outer = refused_by(rule::outer_type);
  const Ended version = refused_by(rule::signed_data_version);
  const Ended type = refused_by(rule::content_type);
  const Ended signer_version = refused_by(rule::signer_version);
  const Ended same_version = refused_by(rule::same_version);
  const Ended tag = refused_by(rules::asn1::tag);
  const Ended bounds = refused_by(rules::asn1::bounds);
  const Ended consistent = refused_by(rule::same_attributes);
  return {
      everywhere("plain", kParsed, [](auto&) {}),
      everywhere("enveloped data", outer,
                 [](auto& sample) { sample.outer_type = der::oid("1.2.840.113549.1.7.3"); }),
      everywhere("unknown type", outer,
                 [](auto& sample) { sample.outer_type = der::oid("1.2.3"); }),
      everywhere("version 0", version,
                 [](auto& sample) { sample.version = der::integer(std::uint64_t{0}); }),
      everywhere("version 2", version, [](auto& sample) { sample.version = der::integer(2); }),
      everywhere("version 4", version, [](auto& sample) { sample.version = der::integer(4); }),
      everywhere("version of two octets", version,
                 [](auto& sample) { sample.version = der::from_hex("02020001"); }),
      everywhere("version of no octets", version,
                 [](auto& sample) { sample.version = der::from_hex("0200"); }),
      everywhere("version 3 with a signer 1", same_version,
                 [](auto& sample) { sample.version = der::integer(3); }),
      everywhere("version 1 with a signer 3", same_version,
                 [](auto& sample) { signer(sample).version = der::integer(3); }),
      everywhere("versions 3", kParsed,
                 [](auto& sample) { sample.version = signer(sample).version = der::integer(3); }),
      everywhere("signer version 2", signer_version,
                 [](auto& sample) { signer(sample).version = der::integer(2); }),
      everywhere("signer version of two octets", signer_version,
                 [](auto& sample) { signer(sample).version = der::from_hex("02020001"); }),
      everywhere(
          "digestAlgorithms that nobody knows", kParsed,
          [](auto& sample) { sample.digest_algorithms = der::set({algorithm_sequence("1.2.3")}); }),
      everywhere("no digestAlgorithm", bounds,
                 [](auto& sample) { sample.digest_algorithms = der::set({}); }),
      everywhere("no digestAlgorithms", tag, [](auto& sample) { sample.digest_algorithms = {}; }),
      everywhere("signed type unknown", type,
                 [](auto& sample) { sample.content = der::sequence({der::oid("1.2.3")}); }),
      everywhere("TSTInfo", type,
                 [](auto& sample) {
                   sample.content = der::sequence({der::oid("1.2.840.113549.1.9.16.1.4")});
                 }),
      everywhere("content inside", kParsed,
                 [](auto& sample) {
                   sample.content = der::sequence(
                       {der::oid(oids::kData), der::element(0xA0, {der::octet_string(Bytes{1})})});
                 }),
      everywhere("empty certificates", kParsed,
                 [](auto& sample) { sample.certificates = der::from_hex("a000"); }),
      everywhere("certificate that is no SEQUENCE", refused_by(rule::certificate_tag),
                 [](auto& sample) { sample.certificates = der::element(0xA0, {der::set({})}); }),
      everywhere(
          "certificate that is empty", bounds,
          [](auto& sample) { sample.certificates = der::element(0xA0, {der::sequence({})}); }),
      everywhere("certificate of an unknown kind", refused_by(rules::x509::sig_algo),
                 [](auto& sample) {
                   CertificateSample certificate;
                   certificate.inner_algorithm = der::algorithm("1.3.101.112");
                   sample.certificates = der::element(0xA0, {certificate.write()});
                 }),
      everywhere("certificate among the crls", kParsed,
                 [](auto& sample) {
                   sample.crls = der::element(0xA1, {der::sequence({CertificateSample().write()})});
                 }),
      everywhere("revocation list", bounds,
                 [](auto& sample) {
                   sample.crls =
                       der::element(0xA1, {der::sequence({der::sequence({}), der::null()})});
                 }),
      everywhere("signers missing, as the decoder forgets nothing", consistent,
                 [](auto& sample) {
                   sample.certificates = der::from_hex("a000");
                   sample.has_signer_infos = false;
                 }),
      everywhere("no signer", bounds, [](auto& sample) { sample.signers.clear(); }),
  };
}

std::vector<ParseCase> algorithm_cases() {
  const Ended digest = refused_by(rule::digest_algo);
  const Ended pkey = refused_by(rule::pkey_algo);
  std::vector<ParseCase> cases;
  struct Row {
    std::string_view oid;
    std::string_view known;  // y or n in 6.1, 6.12, 7.2
  };
  const auto add = [&cases](const Row& row, const Ended& unknown, bool is_digest) {
    MessageSample sample;
    (is_digest ? signer(sample).digest_algorithm : signer(sample).signature_algorithm) =
        algorithm_sequence(row.oid);
    const auto end = [&](std::size_t i) { return row.known[i] == 'y' ? kParsed : unknown; };
    cases.push_back({row.oid, sample.write(), end(0), end(1), end(2)});
  };
  for (const Row& row :
       {Row{"1.2.840.113549.2.4", "ynn"}, Row{"1.2.840.113549.2.5", "ynn"},
        Row{"1.3.14.3.2.26", "yyy"}, Row{"1.3.36.3.2.1", "nnn"},
        Row{"2.16.840.1.101.3.4.2.1", "yyy"}, Row{"2.16.840.1.101.3.4.2.2", "yyy"},
        Row{"2.16.840.1.101.3.4.2.3", "yyy"}, Row{"2.16.840.1.101.3.4.2.4", "yyy"},
        Row{"2.16.840.1.101.3.4.2.5", "nnn"}, Row{"2.16.840.1.101.3.4.2.6", "nnn"},
        Row{"2.16.840.1.101.3.4.2.7", "nnn"}, Row{"2.16.840.1.101.3.4.2.8", "nyy"},
        Row{"2.16.840.1.101.3.4.2.9", "nyy"}, Row{"2.16.840.1.101.3.4.2.10", "nyy"},
        Row{"2.16.840.1.101.3.4.2.11", "nnn"}, Row{"1.2.156.10197.1.401", "yyy"},
        Row{"1.2.643.7.1.1.2.2", "yyy"}, Row{"1.2.643.7.1.1.2.3", "yyy"}, Row{"1.2.3", "nnn"}})
    add(row, digest, true);
  for (const Row& row :
       {Row{"1.2.840.113549.1.1.1", "yyy"}, Row{"1.2.840.113549.1.1.11", "nnn"},
        Row{"1.2.840.113549.1.1.10", "nnn"}, Row{"1.2.840.10045.2.1", "nnn"},
        Row{"1.2.840.10045.4.1", "yyy"}, Row{"1.2.840.10045.4.3.1", "yyy"},
        Row{"1.2.840.10045.4.3.4", "yyy"}, Row{"2.16.840.1.101.3.4.3.9", "nnn"},
        Row{"2.16.840.1.101.3.4.3.10", "nyy"}, Row{"2.16.840.1.101.3.4.3.12", "nyy"},
        Row{"2.16.840.1.101.3.4.3.17", "nny"}, Row{"2.16.840.1.101.3.4.3.18", "nny"},
        Row{"2.16.840.1.101.3.4.3.19", "nny"}, Row{"1.2.156.10197.1.501", "ynn"},
        Row{"1.2.643.7.1.1.1.1", "yyy"}, Row{"1.2.643.7.1.1.1.2", "yyy"},
        Row{"1.3.101.112", "nnn"}})
    add(row, pkey, false);
  return cases;
}

std::vector<ParseCase> attribute_cases() {
  const Ended once = refused_by(rule::attribute_once);
  const Ended required = refused_by(rule::attributes_required);
  const Ended type = refused_by(rule::attribute_content_type);
  return {
      everywhere("attributes", kParsed,
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({content_type(), message_digest()});
                 }),
      everywhere("in another order, with others", kParsed,
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({message_digest(),
                                      {"1.2.3.4", {der::null(), der::null()}},
                                      content_type(),
                                      {oids::kSigningTime, {der::text(0x17, "260101120000Z")}}});
                 }),
      everywhere("without contentType", required,
                 [](auto& sample) {
                   signer(sample).signed_attributes = attribute_set({message_digest()});
                 }),
      everywhere(
          "without messageDigest", required,
          [](auto& sample) { signer(sample).signed_attributes = attribute_set({content_type()}); }),
      everywhere("contentType of another type", type,
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({content_type(oids::kSignedData), message_digest()});
                 }),
      everywhere("contentType twice", once,
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({content_type(), content_type(), message_digest()});
                 }),
      everywhere("two values of messageDigest", once,
                 [](auto& sample) {
                   AttributeSample two = message_digest();
                   two.values.push_back(two.values[0]);
                   signer(sample).signed_attributes = attribute_set({content_type(), two});
                 }),
      everywhere("messageDigest that is no OCTET STRING",
                 refused_by(rule::attribute_message_digest),
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({content_type(), {oids::kMessageDigest, {der::null()}}});
                 }),
      everywhere("signingTime that is none", refused_by(rule::attribute_signing_time),
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({{oids::kSigningTime, {der::text(0x17, "26010112Z")}}});
                 }),
      everywhere("smimeCapabilities", refused_by(rule::attribute_smime),
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({{oids::kSmimeCapabilities, {der::sequence({})}}});
                 }),
      everywhere("msSpOpusInfo", refused_by(rule::attribute_authenticode),
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({{oids::kOpusInfo, {der::sequence({})}}});
                 }),
      everywhere("msStatementType", refused_by(rule::attribute_authenticode),
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({{oids::kStatementType, {der::sequence({})}}});
                 }),
      everywhere("all of them with Authenticode", kParsed,
                 [](auto& sample) {
                   sample.content = indirect_data();
                   signer(sample).signed_attributes =
                       attribute_set({content_type(oids::kIndirectData),
                                      message_digest(),
                                      {oids::kSmimeCapabilities, {der::sequence({})}},
                                      {oids::kOpusInfo, {der::sequence({})}},
                                      {oids::kStatementType, {der::sequence({})}}});
                 }),
      everywhere("Authenticode without attributes", refused_by(rule::authenticode_attributes),
                 [](auto& sample) { sample.content = indirect_data(); }),
      // Under [2] they are read and not kept; contentType need not be there.
      everywhere("under [2]", kParsed,
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       der::element(0xA2, {der::sequence({attribute(message_digest())})});
                 }),
      everywhere("under [2], twice", once,
                 [](auto& sample) {
                   signer(sample).signed_attributes = der::element(
                       0xA2,
                       {der::sequence({attribute(message_digest()), attribute(message_digest())})});
                 }),
      everywhere("second signer without", refused_by(rule::same_attributes),
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({content_type(), message_digest()});
                   sample.signers.push_back(SignerSample());
                 }),
      everywhere("first signer without", refused_by(rule::same_attributes),
                 [](auto& sample) {
                   sample.signers.push_back(SignerSample());
                   sample.signers[1].signed_attributes =
                       attribute_set({content_type(), message_digest()});
                 }),
      everywhere("of each signer once", kParsed,
                 [](auto& sample) {
                   signer(sample).signed_attributes =
                       attribute_set({content_type(), message_digest()});
                   sample.signers.push_back(sample.signers[0]);
                 }),
  };
}

TEST(Pkcs7Parse, EveryRule) {
  for (const auto& cases : {message_cases(), algorithm_cases(), attribute_cases()})
    for (const ParseCase& one : cases) {
      EXPECT_EQ(parse(kAnchor61, one.message), one.in_61) << one.name << " in 6.1";
      EXPECT_EQ(parse(kAnchor612, one.message), one.in_612) << one.name << " in 6.12";
      EXPECT_EQ(parse(kAnchor72, one.message), one.in_72) << one.name << " in 7.2";
    }
}

// What comes first in the message decides, whatever comes after it.
TEST(Pkcs7Parse, TheFirstFaultDecides) {
  MessageSample sample;
  signer(sample).signature = der::null();
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rules::asn1::tag));
  signer(sample).signature_algorithm = algorithm_sequence("1.2.3");
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rule::pkey_algo));
  signer(sample).digest_algorithm = algorithm_sequence("1.2.3");
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rule::digest_algo));
  signer(sample).version = der::integer(9);
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rule::signer_version));
  sample.certificates = der::element(0xA0, {der::null()});
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rule::certificate_tag));
  sample.content = der::sequence({der::oid("1.2.3")});
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rule::content_type));
  sample.version = der::integer(9);
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rule::signed_data_version));
  sample.outer_type = der::oid("1.2.3");
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rule::outer_type));
}

TEST(Pkcs7Parse, CertificatesOfCrlsAreNotKept) {
  const Bytes first = rsa_certificate("ca", "first").write();
  const Bytes second = rsa_certificate("ca", "second").write();
  MessageSample sample;
  sample.certificates = der::element(0xA0, {first});
  sample.crls = der::element(0xA1, {der::sequence({second}), der::sequence({first, second})});
  const SignatureEvidence evidence(sample.write(), 0);
  EXPECT_EQ(evidence.certificates().size(), 4U);
  const SignatureContext context;
  Pkcs7 pkcs7(evidence, context);
  Walk walk = walk_of(kAnchor72);
  ASSERT_FALSE(pkcs7.parse(walk).failed());
  ASSERT_EQ(pkcs7.certificates().size(), 1U);
  EXPECT_EQ(short_name(pkcs7.certificates()[0].prepared->x509().subject), "first");
}

// The two bytes behind a certificate of indefinite length are read with it.
TEST(Pkcs7Parse, TwoBytesMoreOfACertificateOfIndefiniteLength) {
  const CertificateSample whole = rsa_certificate("ca", "x");
  // The decoder takes 00 00 where parameters may stand; the element itself ends sooner.
  const Bytes algorithm =
      der::join({{0x30, 0x80}, der::oid("1.2.840.113549.1.1.5"), {0, 0}, {0, 0}});
  const Bytes certificate = der::join({{0x30, 0x80}, whole.tbs(), algorithm});
  MessageSample sample;
  sample.certificates = der::element(0xA0, {certificate, der::from_hex("0300")});
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rules::x509::same_algo));
  sample.certificates = der::element(0xA0, {certificate, der::from_hex("0500")});
  EXPECT_EQ(parse(kAnchor72, sample.write()), refused_by(rules::asn1::tag));
}

TEST(Evidence, DigestsWhatTheSignersName) {
  MessageSample sample;
  sample.signers.push_back(SignerSample());
  sample.signers[1].digest_algorithm = der::algorithm("2.16.840.1.101.3.4.2.3");
  sample.signers[1].signed_attributes = attribute_set({content_type(), message_digest()});
  sample.signers.push_back(SignerSample());
  sample.signers[2].digest_algorithm = der::algorithm("1.2.643.7.1.1.2.2");
  const Bytes file = der::bytes("before data after");
  const ViewContent content{View(file)};
  SignatureEvidence evidence(sample.write(), 0);
  ASSERT_TRUE(evidence.digest_data(content, 7, 4));
  EXPECT_EQ(evidence.content_digest(Hash::sha256)->hex(),
            to_hex(digest_of(Hash::sha256, bytes_of("data"))));
  EXPECT_EQ(evidence.content_digest(Hash::sha512)->hex(),
            to_hex(digest_of(Hash::sha512, bytes_of("data"))));
  EXPECT_EQ(evidence.content_digest(Hash::sha1), nullptr);
  EXPECT_EQ(evidence.content_digest(Hash::streebog256), nullptr);
  EXPECT_EQ(evidence.attributes_digest(0), nullptr);
  Bytes as_set = sample.signers[1].signed_attributes;
  as_set[0] = 0x31;
  EXPECT_EQ(evidence.attributes_digest(1)->hex(), to_hex(digest_of(Hash::sha512, as_set)));
  EXPECT_FALSE(SignatureEvidence(sample.write(), 0).digest_data(content, 15, 4));

  SignatureEvidence appended(sample.write(), 0);
  const auto whole = appended.digest_appended(content, 6);
  ASSERT_TRUE(whole);
  EXPECT_EQ(*appended.content_digest(Hash::sha512),
            *compute_digest(Hash::sha512, bytes_of("before")));
  EXPECT_EQ(*whole, (std::vector{*compute_digest(Hash::sha256, file),
                                 *compute_digest(Hash::sha512, file)}));
  EXPECT_FALSE(SignatureEvidence(sample.write(), 0).digest_appended(content, 18));

  // What a message carries inside says nothing about the file.
  sample.content = der::sequence(
      {der::oid(oids::kData), der::element(0xA0, {der::octet_string(bytes_of("inside"))})});
  SignatureEvidence with_content(sample.write(), 0);
  const auto none = with_content.digest_appended(content, 6);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(*with_content.content_digest(Hash::sha512),
            *compute_digest(Hash::sha512, bytes_of("inside")));
}

}  // namespace
}  // namespace assay
