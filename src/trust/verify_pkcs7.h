// trust/verify_pkcs7.h - the kernel's verify_pkcs7_signature (certs/system_keyring.c).
//
// The one place where modules, kexec images of s390 and x86, IMA's modsig, and updates of the
// blocklist have their PKCS#7 message checked: parse, verify, revocation, trust.

#pragma once

#include "signatures/pkcs7.h"
#include "trust/keyring.h"
#include "trust/validate_trust.h"

namespace assay {

// The keyrings that bear on one call.
struct SignatureKeyrings {
  const Keyring* ring = nullptr;  // to be searched; nullptr: it does not exist
  bool is_platform = false;       // VERIFY_USE_PLATFORM_KEYRING
  const Keyring* revoked =
      nullptr;  // certificates on .blacklist; nullptr without CONFIG_SYSTEM_REVOCATION_LIST
  // May the ring hold other keys than those described? A signature by none of them is then taken
  // for good, or `question` is open.
  Truth others = Truth::no;
  std::string_view question = {};
};

// For a signature over data that it is detached from.
Outcome verify_pkcs7_signature(Walk& walk, const SignatureEvidence& evidence,
                               const SignatureContext& context, const SignatureKeyrings& keyrings,
                               Usage usage, TrustedBy& trusted_by);

// For a message that carries its content (Authenticode).
Outcome verify_pkcs7_attached(Walk& walk, const SignatureEvidence& evidence,
                              const SignatureContext& context, const SignatureKeyrings& keyrings,
                              Usage usage, TrustedBy& trusted_by);

}  // namespace assay
