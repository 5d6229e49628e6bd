// What parse_cms keeps of single parts: signers, attributes, certificates, content.

#include <gtest/gtest.h>

#include "base/hex.h"
#include "formats/cms.h"
#include "testing/agreement.h"
#include "testing/samples.h"

namespace assay {
namespace {

using der::Bytes;

const Bytes kSkid = der::from_hex("a1a2a3");

std::string hex(View view) { return to_hex(view.bytes()); }

std::vector<const CmsItem*> items_at(const CmsMessage& message, CmsPlace place) {
  std::vector<const CmsItem*> found;
  for (const CmsItem& item : message.items)
    if (item.place == place) found.push_back(&item);
  return found;
}

SignerSample by_skid(std::uint64_t version) {
  SignerSample signer;
  signer.version = der::integer(version);
  signer.sid = key_identifier_sid(kSkid);
  return signer;
}

// pkcs7_note_signed_info goes by the version; what a SignerInfo of that version lacks is left over
// from the SignerInfo before it, or nothing.
TEST(SignerIdentifier, IsInheritedWhereItsKindIsMissing) {
  const Bytes issuer = der::name("issuer");
  const std::string named = "1234" + to_hex(std::span(issuer).subspan(2));
  SignerSample other;
  other.sid = der::sequence({der::name("other"), der::integer(0x77)});
  const Bytes other_issuer = der::name("other");
  const std::string other_named = "77" + to_hex(std::span(other_issuer).subspan(2));
  SignerSample named_3;
  named_3.version = der::integer(3);
  struct Case {
    std::string_view name;
    std::vector<SignerSample> signers;
    std::vector<std::string> sids;
  };
  const Case cases[] = {
      {"version 1 by issuer", {SignerSample()}, {named}},
      {"version 3 by key identifier", {by_skid(3)}, {"a1a2a3"}},
      {"version 1 by key identifier", {by_skid(1)}, {""}},
      {"version 3 by issuer", {named_3}, {""}},
      {"issuer inherited", {SignerSample(), by_skid(1)}, {named, named}},
      {"key identifier inherited", {by_skid(3), named_3}, {"a1a2a3", "a1a2a3"}},
      {"set by a signer that did not use it", {by_skid(1), named_3}, {"", "a1a2a3"}},
      {"the last one counts",
       {SignerSample(), other, by_skid(1)},
       {named, other_named, other_named}},
      {"version 2 keeps what was expected", {by_skid(3), by_skid(2)}, {"a1a2a3", "a1a2a3"}},
  };
  for (const Case& one : cases) {
    MessageSample sample;
    sample.signers = one.signers;
    const Bytes bytes = sample.write();
    EXPECT_EQ(compare_cms(View(bytes)), "");
    std::vector<std::string> sids;
    for (const CmsSigner& signer : parse_cms(View(bytes)).signers)
      sids.push_back(to_hex(signer.sid));
    EXPECT_EQ(sids, one.sids) << one.name;
  }
}

TEST(SignedAttributes, AreKeptUnderTag0Only) {
  const Bytes attributes =
      der::join({attribute({oids::kContentType, {der::oid(oids::kData)}}),
                 attribute({oids::kSigningTime, {der::text(0x17, "260101120000Z")}}),
                 attribute({oids::kMessageDigest, {der::octet_string(Bytes(32, 0x5A))}})});
  SignerSample signer;
  MessageSample sample;
  signer.signed_attributes = der::element(0xA0, attributes);
  sample.signers = {signer};
  Bytes bytes = sample.write();
  CmsMessage message = parse_cms(View(bytes));
  ASSERT_TRUE(message.signers.at(0).authattrs);
  EXPECT_EQ(hex(message.signers[0].authattrs->raw), to_hex(signer.signed_attributes));
  EXPECT_EQ(message.signers[0].message_digest->size(), 32U);
  EXPECT_EQ(message.signers[0].signing_time->content.text(), "260101120000Z");
  EXPECT_EQ(items_at(message, CmsPlace::authenticated_attr).size(), 3U);
  EXPECT_EQ(items_at(message, CmsPlace::set_of_authattrs).size(), 1U);

  // [2] EXPLICIT SEQUENCE OF: every value is visited, and then nobody remembers the set.
  signer.signed_attributes = der::element(0xA2, {der::element(0x30, attributes)});
  sample.signers = {signer};
  bytes = sample.write();
  message = parse_cms(View(bytes));
  EXPECT_FALSE(message.fault);
  EXPECT_FALSE(message.signers.at(0).authattrs);
  EXPECT_EQ(items_at(message, CmsPlace::authenticated_attr).size(), 3U);
  EXPECT_EQ(items_at(message, CmsPlace::set_of_authattrs).size(), 0U);

  // [2] IMPLICIT is another grammar.
  signer.signed_attributes = der::element(0xA2, attributes);
  sample.signers = {signer};
  bytes = sample.write();
  EXPECT_TRUE(parse_cms(View(bytes)).fault);
}

TEST(SignedAttributes, EveryValueIsAPlaceOfItsOwn) {
  SignerSample signer;
  signer.signed_attributes = attribute_set(
      {{oids::kContentType, {der::oid(oids::kData), der::null()}}, {"1.2.3.4", {der::null()}}});
  MessageSample sample;
  sample.signers = {SignerSample(), signer};
  const Bytes bytes = sample.write();
  const CmsMessage message = parse_cms(View(bytes));
  const auto values = items_at(message, CmsPlace::authenticated_attr);
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(values[0]->oid, Oid::content_type);
  EXPECT_EQ(values[1]->oid, Oid::content_type);
  EXPECT_EQ(values[1]->element.tag, ber::kNull);
  EXPECT_EQ(values[2]->oid, Oid::unknown);
  for (const CmsItem* item : values) EXPECT_EQ(item->signer, 1);
}

TEST(Alternatives, BothKindsOfEveryChoice) {
  // The two that a choice has, and what neither is.
  struct Case {
    std::string_view name;
    void (*change)(MessageSample&, std::uint8_t);
    std::vector<std::uint8_t> tags;
    std::vector<std::uint8_t> neither;
  };
  const Case cases[] = {
      {"digestAlgorithms",
       [](MessageSample& sample, std::uint8_t tag) { sample.digest_algorithms[0] = tag; },
       {0x31, 0x30, 0x11, 0x10},
       {0x33, 0xA0, 0x02}},
      {"certificates",
       [](MessageSample& sample, std::uint8_t tag) {
         sample.certificates = der::element(tag, {CertificateSample().write()});
       },
       {0xA0, 0xA2, 0x80, 0x82},
       {0xA4, 0x31, 0x20}},
      {"crls",
       [](MessageSample& sample, std::uint8_t tag) {
         sample.crls = der::element(tag, {der::sequence({CertificateSample().write()})});
       },
       {0xA1, 0xA3, 0x81, 0x83},
       {0xA5, 0xA4}},
      {"unsignedAttrs",
       [](MessageSample& sample, std::uint8_t tag) {
         sample.signers[0].unsigned_attributes =
             der::element(tag, {attribute({"1.2.3", {der::null()}})});
       },
       {0xA1, 0xA3, 0x81, 0x83},
       {0xA0, 0xA2}},
  };
  for (const Case& one : cases) {
    for (const std::uint8_t tag : one.tags) {
      MessageSample sample;
      one.change(sample, tag);
      const Bytes bytes = sample.write();
      EXPECT_FALSE(parse_cms(View(bytes)).fault) << one.name << " " << int{tag};
      EXPECT_EQ(compare_cms(View(bytes)), "");
    }
    for (const std::uint8_t tag : one.neither) {
      MessageSample sample;
      one.change(sample, tag);
      const Bytes bytes = sample.write();
      EXPECT_TRUE(parse_cms(View(bytes)).fault) << one.name << " " << int{tag};
      EXPECT_EQ(compare_cms(View(bytes)), "");
    }
  }
}

TEST(Certificates, ThoseOfTheCrlsComeAfterTheList) {
  const Bytes first = CertificateSample().write();
  const Bytes second = full_certificate().write();
  MessageSample sample;
  sample.certificates = der::element(0xA0, {first});
  sample.crls = der::element(0xA1, {der::sequence({second}), der::sequence({second})});
  const Bytes bytes = sample.write();
  const CmsMessage message = parse_cms(View(bytes));
  ASSERT_EQ(message.certificates.size(), 3U);
  EXPECT_EQ(hex(message.certificates[0]), to_hex(first));
  EXPECT_EQ(hex(message.certificates[2]), to_hex(second));
  std::string order;
  for (const CmsItem& item : message.items) {
    if (item.place == CmsPlace::extract_cert) order += 'c';
    if (item.place == CmsPlace::certificate_list) order += '|';
  }
  EXPECT_EQ(order, "c|cc");
}

// pkcs7_extract_cert adds two to the length of an element of indefinite length, which has the
// end-of-contents octets in it already.
TEST(Certificates, OneOfIndefiniteLengthIsHandedOnWithTwoBytesMore) {
  const Bytes certificate = der::indefinite(0x30, {der::null()});
  MessageSample sample;
  sample.certificates = der::element(0xA0, {certificate});
  Bytes bytes = sample.write();
  CmsMessage message = parse_cms(View(bytes));
  ASSERT_EQ(message.certificates.size(), 1U);
  EXPECT_EQ(message.certificates[0].size(), certificate.size() + 2);
  EXPECT_EQ(hex(message.certificates[0]).substr(0, 2 * certificate.size()), to_hex(certificate));
}

TEST(Content, IsKeptWithItsHeader) {
  MessageSample sample;
  EXPECT_FALSE(parse_cms(View(sample.write())).content);
  sample.content =
      der::sequence({der::oid(oids::kData), der::element(0xA0, {der::octet_string(kSkid)})});
  const Bytes bytes = sample.write();
  const CmsMessage message = parse_cms(View(bytes));
  ASSERT_TRUE(message.content);
  EXPECT_EQ(hex(message.content->raw), "0403a1a2a3");
  EXPECT_EQ(hex(message.content->content), "a1a2a3");
  EXPECT_EQ(message.content_type, Oid::data);
}

TEST(Message, BytesAfterItAreKeptApart) {
  Bytes bytes = MessageSample().write();
  const std::size_t size = bytes.size();
  bytes.insert(bytes.end(), {1, 2, 3});
  const CmsMessage message = parse_cms(View(bytes, 1000));
  EXPECT_FALSE(message.fault);
  EXPECT_EQ(message.raw.extent(), (Extent{1000, size}));
  EXPECT_EQ(message.trailing.extent(), (Extent{1000 + size, 3}));
}

TEST(Message, MayHave65535Bytes) {
  Bytes bytes = MessageSample().write();
  bytes.resize(65535);
  EXPECT_FALSE(parse_cms(View(bytes)).fault);
  EXPECT_EQ(compare_cms(View(bytes)), "");
  bytes.push_back(0);
  const auto fault = parse_cms(View(bytes)).fault;
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, BerFaultKind::too_long);
  EXPECT_EQ(compare_cms(View(bytes)), "");
}

TEST(KeyIdentifier, IsComparedAsJoined) {
  const Bytes bytes = der::from_hex("0102030405");
  const View view(bytes);
  const KeyId whole{view, {}};
  for (std::size_t split = 0; split <= view.size(); ++split) {
    const KeyId divided{view.sub(0, split), view.sub(split, view.size() - split)};
    EXPECT_TRUE(same_key_id(whole, divided));
    EXPECT_TRUE(same_key_id(divided, whole));
    EXPECT_EQ(to_hex(divided), "0102030405");
    for (std::size_t i = 0; i < view.size(); ++i) EXPECT_EQ(divided[i], view[i]);
  }
  const Bytes changed = der::from_hex("0102030406");
  for (std::size_t split = 0; split <= view.size(); ++split)
    EXPECT_FALSE(same_key_id(
        {View(changed).sub(0, split), View(changed).sub(split, view.size() - split)}, whole));
  EXPECT_FALSE(same_key_id(whole, {view.sub(0, 4), {}}));
  EXPECT_TRUE(KeyId().empty());
}

}  // namespace
}  // namespace assay
