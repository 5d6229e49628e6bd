// formats/x509_akid.h - the value of authorityKeyIdentifier (RFC 5280, 4.2.1.1) as the kernel's
// parser walks through it.
//
// Mirrors crypto/asymmetric_keys/x509_akid.asn1. Its alternatives for a GeneralName are written
// with explicit tags in 6.1 and, as RFC 5280 has them, with implicit ones in 6.12 and 7.2: a name
// other than a directoryName that one reads is a fault to the other. What both read, they read
// alike.

#pragma once

#include <cstdint>
#include <optional>

#include "bytes/view.h"
#include "formats/ber.h"

namespace assay {

enum class AkidGrammar : std::uint8_t { explicit_names, implicit_names };

struct AuthorityKeyIdentifier {
  std::optional<BerFault> fault;
  std::optional<View> key;     // keyIdentifier
  std::optional<View> issuer;  // authorityCertIssuer, the last directoryName in it
  std::optional<View> serial;  // authorityCertSerialNumber, when it follows such an issuer
};

AuthorityKeyIdentifier parse_authority_key_identifier(View value, AkidGrammar grammar);

}  // namespace assay
