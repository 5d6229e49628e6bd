// testing/samples.h - certificates and CMS messages made by hand, with a place for every oddity.
//
// What is made here is not signed; where a test needs a signature it signs the bytes it is given.

#pragma once

#include <functional>
#include <optional>

#include "testing/der.h"

namespace assay {

// Object identifiers that the samples use, dotted.
namespace oids {
inline constexpr std::string_view kData = "1.2.840.113549.1.7.1";
inline constexpr std::string_view kSignedData = "1.2.840.113549.1.7.2";
inline constexpr std::string_view kIndirectData = "1.3.6.1.4.1.311.2.1.4";
inline constexpr std::string_view kContentType = "1.2.840.113549.1.9.3";
inline constexpr std::string_view kMessageDigest = "1.2.840.113549.1.9.4";
inline constexpr std::string_view kSigningTime = "1.2.840.113549.1.9.5";
inline constexpr std::string_view kSmimeCapabilities = "1.2.840.113549.1.9.15";
inline constexpr std::string_view kStatementType = "1.3.6.1.4.1.311.2.1.11";
inline constexpr std::string_view kOpusInfo = "1.3.6.1.4.1.311.2.1.12";
inline constexpr std::string_view kRsa = "1.2.840.113549.1.1.1";
inline constexpr std::string_view kRsaSha256 = "1.2.840.113549.1.1.11";
inline constexpr std::string_view kSha256 = "2.16.840.1.101.3.4.2.1";
inline constexpr std::string_view kSubjectKeyIdentifier = "2.5.29.14";
inline constexpr std::string_view kKeyUsage = "2.5.29.15";
inline constexpr std::string_view kBasicConstraints = "2.5.29.19";
inline constexpr std::string_view kAuthorityKeyIdentifier = "2.5.29.35";
}  // namespace oids

using Signer = std::function<der::Bytes(std::span<const std::uint8_t>)>;

// Each member is a whole element, with its header.
struct CertificateSample {
  der::Bytes version = der::element(0xA0, {der::integer(2)});
  der::Bytes serial = der::integer(0x1234);
  der::Bytes inner_algorithm = der::algorithm(oids::kRsaSha256);
  der::Bytes issuer = der::name("issuer");
  der::Bytes not_before = der::text(0x17, "200101000000Z");
  der::Bytes not_after = der::text(0x17, "491231235959Z");
  der::Bytes subject = der::name("subject");
  der::Bytes key_algorithm = der::algorithm(oids::kRsa);
  der::Bytes key = der::bit_string(der::sequence({der::integer(0xC5), der::integer(3)}));
  der::Bytes unique_ids;
  std::vector<der::Bytes> extensions;
  der::Bytes outer_algorithm = der::algorithm(oids::kRsaSha256);
  der::Bytes signature;  // BIT STRING; empty: made by `sign`, or four octets

  der::Bytes tbs() const;
  der::Bytes write(const Signer& sign = {}) const;
};

der::Bytes extension(std::string_view oid, std::span<const std::uint8_t> value);
// With all of the extensions that the kernel looks at, and both parts of the authority's.
CertificateSample full_certificate();

struct AttributeSample {
  std::string_view oid;
  std::vector<der::Bytes> values;
};
der::Bytes attribute(const AttributeSample& attribute);

struct SignerSample {
  der::Bytes version = der::integer(1);
  // IssuerAndSerialNumber, or [0] with the key identifier.
  der::Bytes sid = der::sequence({der::name("issuer"), der::integer(0x1234)});
  der::Bytes digest_algorithm = der::algorithm(oids::kSha256);
  der::Bytes signed_attributes;  // with [0]
  der::Bytes signature_algorithm = der::algorithm(oids::kRsa);
  der::Bytes signature = der::octet_string(der::from_hex("00112233"));
  der::Bytes unsigned_attributes;  // with [1]

  der::Bytes write() const;
};

// [0] with the attributes.
der::Bytes attribute_set(std::initializer_list<AttributeSample> attributes);
der::Bytes key_identifier_sid(std::span<const std::uint8_t> skid);

struct MessageSample {
  der::Bytes outer_type = der::oid(oids::kSignedData);
  der::Bytes version = der::integer(1);
  der::Bytes digest_algorithms = der::set({der::algorithm(oids::kSha256)});
  der::Bytes content = der::sequence({der::oid(oids::kData)});
  der::Bytes certificates;  // with [0]
  der::Bytes crls;          // with [1]
  std::vector<SignerSample> signers = {SignerSample()};
  bool has_signer_infos = true;  // else there is not even an empty SET

  der::Bytes write() const;
};

// Samples with every part that the grammars have, for tests that then damage them.
std::vector<der::Bytes> sample_messages();
std::vector<der::Bytes> sample_certificates();
// Values of authorityKeyIdentifier with all kinds of names.
std::vector<der::Bytes> sample_authority_key_identifiers();

}  // namespace assay
