// crypto/signature_check.h - whether what a signer answered is a signature by the key it is said to
// be of. For signers that lie elsewhere: a token, a service.
//
// libcrypto's answer, not a kernel's (signatures/public_key_verify.h).

#pragma once

#include <memory>

#include "base/result.h"
#include "bytes/view.h"
#include "crypto/signer.h"

namespace assay {

// What a public key (SubjectPublicKeyInfo, DER) is. crypto_unavailable for what Assay does not
// know.
Result<SigningKey> describe_public_key(View public_key);

// signer_failed where `value` does not answer `request`.
Result<void> check_signature(const SigningKey& key, const SignRequest& request,
                             const SignatureOctets& value);

// A signer whose every answer is checked before it is handed on.
std::unique_ptr<Signer> make_checked_signer(std::unique_ptr<Signer> signer);

}  // namespace assay
