// formats/x509.h - X.509 certificates as the kernel's parser walks through them.
//
// Mirrors the grammar of crypto/asymmetric_keys/x509.asn1 (6.1, 6.12, 7.2 alike). As with CMS
// (formats/cms.h), parse_certificate lists the places where the kernel looks closer, in its order;
// the rules in signatures/x509.def say what each version accepts there.
//
// The kernel reads only what is listed here. Validity, key usage of module signers, path length,
// name constraints and critical extensions mean nothing to it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bytes/view.h"
#include "formats/ber.h"
#include "formats/key_id.h"
#include "formats/oid.h"

namespace assay {

// The places, named after the functions of x509_cert_parser.c that the kernel calls there.
enum class X509Place : std::uint8_t {
  sig_algo,  // tbsCertificate.signature
  not_before,
  not_after,
  key_data,  // subjectPublicKey
  extension,
  signature,  // with the outer signatureAlgorithm
};

struct X509Item {
  X509Place place;
  Oid oid;  // the last object identifier before this place
  View oid_content;
  BerElement element;
  View key_params;     // key_data: parameters of the key's algorithm, with header; may be empty
  bool repeated_skid;  // extension: a well-formed subjectKeyIdentifier came before
};

struct Certificate {
  View raw;
  std::vector<X509Item> items;
  std::optional<BerFault> fault;  // where the kernel's decoder gives up; items end there
  // The same in authorityKeyIdentifier, which is decoded last: for 6.12 and 7.2, and for 6.1, whose
  // grammar for it is another (formats/x509_akid.h).
  std::optional<BerFault> akid_fault;
  std::optional<BerFault> akid_fault_61;

  View tbs;      // tbsCertificate with its header: what the signature covers
  View serial;   // content of the INTEGER
  View issuer;   // content of the Name, without its header
  View subject;  // likewise
  std::optional<std::int64_t> not_before;  // seconds since 1970
  std::optional<std::int64_t> not_after;
  Oid key_algo = Oid::unknown;
  View key_algo_oid;
  View key_params;  // with header; for EC keys the curve's identifier
  View key;         // subjectPublicKey without its unused-bits octet
  Oid sig_algo = Oid::unknown;
  View sig_algo_oid;
  View signature;  // without its unused-bits octet

  std::optional<View> skid;         // subjectKeyIdentifier
  std::optional<View> akid_key;     // authorityKeyIdentifier, its keyIdentifier
  std::optional<View> akid_issuer;  // its authorityCertIssuer, when that is a directoryName
  std::optional<View> akid_serial;  // its authorityCertSerialNumber, when it follows such an issuer
  // What the kernel reads from keyUsage and basicConstraints (since 6.4; it ignores both before).
  bool digital_signature = false;
  bool key_cert_sign = false;
  bool ca = false;

  KeyId id() const { return {serial, issuer}; }
  std::optional<KeyId> skid_id() const;
  // What the issuer is named by: serial and issuer of its certificate, and its key identifier.
  std::optional<KeyId> auth_id() const;
  std::optional<KeyId> auth_skid() const;
};

Certificate parse_certificate(View data);

// The kernel's x509_decode_time: seconds since 1970; nothing for what it refuses.
std::optional<std::int64_t> parse_time(const BerElement& element);

// Is `value`, the content of the extension, a keyUsage or basicConstraints that
// x509_process_extension (6.12, 7.2) can read? On success the flags found are added to
// `certificate`, if given.
bool read_key_usage(View value, Certificate* certificate);
bool read_basic_constraints(View value, Certificate* certificate);
// The same for subjectKeyIdentifier; the identifier, or nothing.
std::optional<View> read_skid(View value);

// Could two Names be equal to one who folds case, spaces and string types (RFC 5280, 7.1)? True for
// all that are.
bool may_be_same_name(View a, View b);

// "CN=Debian Secure Boot CA, O=Debian": a Name in RFC 4514's manner but in the order it is stored.
// Bytes that are not printable UTF-8 are percent-encoded.
std::string name_text(View name);
// The kernel's x509_fabricate_name: of organization and common name "O: CN", or the one of them
// that is there or that says enough, else the e-mail address. Raw bytes.
std::string fabricated_name(View name);
// The common name; without one the whole name.
std::string short_name(View name);

}  // namespace assay
