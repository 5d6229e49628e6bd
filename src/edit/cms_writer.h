// edit/cms_writer.h - SignedData with one signer (RFC 5652, PKCS#7), as scripts/sign-file and
// Authenticode tools write it.
//
// Two steps: prepare() says what the signer has to sign, write() builds the message around the
// value. In between the value may have come from anywhere.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "crypto/hash.h"
#include "crypto/signer.h"
#include "formats/der_writer.h"
#include "formats/x509.h"

namespace assay {

// Whose signature it is: what the message says of the signer.
struct SigningCertificate {
  std::vector<std::uint8_t> der;
  // Further ones that are embedded with it: of the issuers.
  std::vector<std::vector<std::uint8_t>> chain;
};

struct CmsTemplate {
  Hash hash = Hash::sha256;
  // SignedData and SignerInfo have version 3 and a [0] key identifier; else version 1, issuer and
  // serial number.
  bool by_key_identifier = false;
  bool embeds_certificates = false;
  // Seconds since 1970: signed attributes are contentType, messageDigest and, with a time,
  // signingTime.
  bool signed_attributes = false;
  std::optional<std::int64_t> time;
  // SpcIndirectDataContent, carried inside; empty: detached data.
  DerBytes indirect_data;
};

// A message that lacks its signature value.
struct PreparedMessage {
  CmsTemplate form;
  DerBytes attributes;  // SET OF Attribute; empty where there are none
  SignRequest request;
  std::vector<std::uint8_t> message;  // what request.message points to where it is ours
};

// `digest`: of the content (of the value of indirect_data, where there is some). `content`: for
// keys that sign messages, and no signed attributes; kept by the caller.
Result<PreparedMessage> prepare_message(CmsTemplate form, const SigningKey& key,
                                        const Digest& digest,
                                        std::span<const std::uint8_t> content);

// Requires the certificate that the template was made for. not_signable where the certificate lacks
// the key identifier that is asked for.
Result<DerBytes> write_message(const PreparedMessage& prepared, const SigningKey& key,
                               const SigningCertificate& certificate, const SignatureOctets& value);

// The certificate's SubjectPublicKeyInfo; empty where it cannot be read.
DerBytes write_public_key(const SigningCertificate& certificate);

// Whether the certificate is of this key: key_mismatch when not.
Result<void> check_same_key(const SigningCertificate& certificate, const SigningKey& key);

}  // namespace assay
