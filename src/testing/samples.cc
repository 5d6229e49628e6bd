#include "testing/samples.h"

namespace assay {

using namespace der;

namespace {

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) append(all, part);
  return all;
}

const Bytes kSkid = from_hex("a1a2a3a4a5a6a7a8");

Bytes authority_key_identifier(std::initializer_list<Bytes> names) {
  return sequence({element(0x80, kSkid), element(0xA1, names), element(0x82, from_hex("1234"))});
}

Bytes directory_name() { return element(0xA4, {name("issuer")}); }

Bytes two_names() {
  return sequence({set({sequence({oid("2.5.4.10"), text(0x13, "Org")}),
                        sequence({oid("2.5.4.11"), text(0x0C, "Unit")})}),
                   set({sequence({oid("2.5.4.3"), text(0x0C, "two names")})})});
}

}  // namespace

Bytes CertificateSample::tbs() const {
  Bytes all_extensions;
  if (!extensions.empty()) all_extensions = element(0xA3, {element(0x30, joined(extensions))});
  return sequence({version, serial, inner_algorithm, issuer, sequence({not_before, not_after}),
                   subject, sequence({key_algorithm, key}), unique_ids, all_extensions});
}

Bytes CertificateSample::write(const Signer& sign) const {
  const Bytes signed_part = tbs();
  Bytes value = signature;
  if (value.empty()) value = bit_string(sign ? sign(signed_part) : from_hex("0badf00d"));
  return sequence({signed_part, outer_algorithm, value});
}

Bytes extension(std::string_view id, std::span<const std::uint8_t> value) {
  return sequence({oid(id), octet_string(value)});
}

CertificateSample full_certificate() {
  CertificateSample sample;
  sample.issuer = two_names();
  sample.unique_ids = join({element(0x81, from_hex("0001")), element(0x82, from_hex("0002"))});
  sample.extensions = {
      extension(oids::kSubjectKeyIdentifier, octet_string(kSkid)),
      sequence({oid(oids::kKeyUsage), from_hex("0101ff"), octet_string(from_hex("03020780"))}),
      extension(oids::kBasicConstraints, sequence({from_hex("0101ff")})),
      extension(oids::kAuthorityKeyIdentifier, authority_key_identifier({directory_name()}))};
  return sample;
}

Bytes attribute(const AttributeSample& attribute) {
  return sequence({oid(attribute.oid), element(0x31, joined(attribute.values))});
}

Bytes attribute_set(std::initializer_list<AttributeSample> attributes) {
  Bytes all;
  for (const AttributeSample& sample : attributes) append(all, attribute(sample));
  return element(0xA0, all);
}

Bytes key_identifier_sid(std::span<const std::uint8_t> skid) { return element(0x80, skid); }

Bytes SignerSample::write() const {
  return sequence({version, sid, digest_algorithm, signed_attributes, signature_algorithm,
                   signature, unsigned_attributes});
}

Bytes MessageSample::write() const {
  Bytes all_signers;
  for (const SignerSample& signer : signers) append(all_signers, signer.write());
  const Bytes signer_infos = has_signer_infos ? element(0x31, all_signers) : Bytes();
  return sequence({outer_type, element(0xA0, {sequence({version, digest_algorithms, content,
                                                        certificates, crls, signer_infos})})});
}

std::vector<Bytes> sample_certificates() {
  CertificateSample plain;
  CertificateSample elliptic = full_certificate();
  elliptic.key_algorithm = sequence({oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")});
  elliptic.inner_algorithm = elliptic.outer_algorithm = sequence({oid("1.2.840.10045.4.3.2")});
  elliptic.not_after = text(0x18, "20991231235959Z");
  CertificateSample old = plain;  // version 1 has no version
  old.version = {};
  std::vector<Bytes> all{plain.write(), full_certificate().write(), elliptic.write(), old.write()};
  for (const Bytes& identifier : sample_authority_key_identifiers()) {
    CertificateSample sample;
    sample.extensions = {extension(oids::kAuthorityKeyIdentifier, identifier)};
    all.push_back(sample.write());
  }
  return all;
}

std::vector<Bytes> sample_authority_key_identifiers() {
  const Bytes string = text(0x16, "a.example");
  const Bytes other_name = element(0xA0, {oid("1.2.3"), element(0xA0, {string})});
  const Bytes party = element(0xA5, {element(0xA0, {string}), element(0xA1, {string})});
  return {
      sequence({}), sequence({element(0x80, kSkid)}),
      sequence({element(0xA1, {directory_name()}), element(0x82, from_hex("77"))}),
      sequence({element(0x82, from_hex("77"))}),
      authority_key_identifier({directory_name(), directory_name()}),
      // As 6.12 wants the names, and as 6.1 does.
      authority_key_identifier({text(0x81, "a@example"), text(0x82, "example"),
                                text(0x86, "http://example"), element(0x87, from_hex("7f000001")),
                                element(0x88, from_hex("2a03")), directory_name()}),
      authority_key_identifier({element(0xA1, {string}), element(0xA2, {string}),
                                element(0xA6, {string}),
                                element(0xA7, {octet_string(from_hex("7f000001"))}),
                                element(0xA8, {oid("1.2.3")}), directory_name()}),
      authority_key_identifier({other_name, element(0xA3, {null()}), party, directory_name()}),
      authority_key_identifier({element(0xA5, {element(0xA1, {string})}), directory_name()}),
      authority_key_identifier({element(0xA0, {string}), element(0xA5, {string})})};
}

std::vector<Bytes> sample_messages() {
  MessageSample plain;

  MessageSample two_signers = plain;
  SignerSample by_skid;
  by_skid.sid = key_identifier_sid(kSkid);
  by_skid.unsigned_attributes =
      element(0xA1, {attribute({"1.3.6.1.4.1.311.3.3.1", {null(), integer(7)}})});
  two_signers.signers = {SignerSample(), by_skid};

  MessageSample attributes = plain;
  attributes.signers[0].signed_attributes =
      attribute_set({{oids::kContentType, {oid(oids::kData)}},
                     {oids::kSigningTime, {text(0x17, "260101120000Z")}},
                     {oids::kMessageDigest, {octet_string(Bytes(32, 0x5A))}}});

  MessageSample bags = plain;
  const Bytes certificate = CertificateSample().write();
  bags.certificates = element(0xA0, {certificate});
  bags.crls = element(0xA1, {sequence({certificate}), sequence({null()})});

  // Every choice made the other way.
  SignerSample other = by_skid;
  other.version = integer(3);
  other.signed_attributes = element(
      0xA2, {sequence({attribute({oids::kContentType, {oid(oids::kData)}}),
                       attribute({oids::kMessageDigest, {octet_string(Bytes(32, 1)), null()}})})});
  other.unsigned_attributes = element(0xA3, {attribute({"1.2.3.4", {null()}})});
  const Bytes sequences = sequence(
      {oid(oids::kSignedData),
       element(0xA0,
               {sequence({integer(3), sequence({algorithm(oids::kSha256)}),
                          sequence({oid(oids::kData), element(0xA0, {octet_string(kSkid)})}),
                          element(0xA2, {null(), certificate}), element(0xA3, {sequence({null()})}),
                          sequence({other.write()})})})});

  MessageSample inherited = plain;  // the second signer is named by the first one's issuer
  SignerSample kind_missing = by_skid;
  kind_missing.version = integer(1);
  inherited.signers = {SignerSample(), kind_missing, other};

  MessageSample empty_set = plain;
  empty_set.certificates = element(0xA0, std::initializer_list<Bytes>{});

  const Bytes indefinite_lengths = indefinite(
      0x30, {oid(oids::kSignedData),
             indefinite(0xA0, {indefinite(0x30, {integer(1), set({algorithm(oids::kSha256)}),
                                                 sequence({oid(oids::kData)}),
                                                 indefinite(0xA0, {indefinite(0x30, {null()})}),
                                                 indefinite(0x31, {SignerSample().write()})})})});
  return {plain.write(), two_signers.write(), attributes.write(), bags.write(),
          sequences,     inherited.write(),   empty_set.write(),  indefinite_lengths};
}

}  // namespace assay
