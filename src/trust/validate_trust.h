// trust/validate_trust.h - is a PKCS#7 message signed by a key of this keyring?
//
// Mirrors crypto/asymmetric_keys/pkcs7_trust.c.

#pragma once

#include "signatures/pkcs7.h"
#include "trust/keyring.h"

namespace assay {

// Whose key made the decision, for people and for --require-root.
struct TrustedBy {
  const Key* key = nullptr;
  const Keyring* ring = nullptr;
};

// Requires pkcs7.parse() and pkcs7.verify() to have succeeded.
Outcome validate_trust(Walk& walk, Pkcs7& pkcs7, const Keyring& ring, TrustedBy& trusted_by);

}  // namespace assay
