// trust/add_key.h - may this certificate be added to that keyring?
//
// Mirrors x509_key_preparse and the restrict_link functions (crypto/asymmetric_keys/restrict.c).

#pragma once

#include "signatures/pkcs7.h"
#include "trust/keyring.h"

namespace assay {

// What a keyring asks of a certificate.
enum class Restriction : std::uint8_t {
  none,     // .platform at boot, rings that users make
  signed_,  // .secondary_trusted_keys: issued by a trusted key
  digsig,   // .ima, .evm: and, since 6.12 at the latest, made for signatures and not a CA's
};

// `vouchers` are the keys that may have issued it; not looked at without a restriction. On success
// `state` is what the kernel keeps of the certificate.
Outcome check_add_key(Walk& walk, const PreparedCertificate& certificate,
                      const SignatureContext& context, Restriction restriction,
                      const Keyring* vouchers, CertificateState& state);

}  // namespace assay
