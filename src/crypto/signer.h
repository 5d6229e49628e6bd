// crypto/signer.h - somebody who makes signatures: a key in memory, a token, a TPM, a command.
//
// A Signer never sees a file. It is asked with digests, or with whole messages by the algorithms
// that hash for themselves, and answers with signature values as CMS carries them. Formats are
// built around the values elsewhere (src/edit).
//
// How a backend is added: implement Signer over the device; say in key() what the key is; have
// sign() answer each request by itself, so that one refusal does not lose the others. Callers hand
// over as many requests as they have at a time and call from several threads at once: a backend
// with few sessions queues, one with round trips sends batches.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/hash.h"
#include "crypto/public_key.h"

namespace assay {

enum class SigningAlgorithm : std::uint8_t { rsa, ecdsa, ed25519, mldsa44, mldsa65, mldsa87 };

std::string_view signing_algorithm_name(SigningAlgorithm algorithm);  // "rsa", "mldsa65"

// The public half of what signs, as far as formats and messages need it.
struct SigningKey {
  SigningAlgorithm algorithm = SigningAlgorithm::rsa;
  std::optional<Curve> curve;  // of ecdsa
  // SubjectPublicKeyInfo (RFC 5280, 4.1), DER: equal to the certificate's, or the signature would
  // verify with another certificate than the one named in it.
  std::vector<std::uint8_t> public_key;
  std::size_t bits = 0;  // of the modulus, of the curve

  // True when a request is answered from the digest; false when the algorithm wants the message
  // (Ed25519, RFC 8032; ML-DSA, FIPS 204).
  bool signs_digests() const {
    return algorithm == SigningAlgorithm::rsa || algorithm == SigningAlgorithm::ecdsa;
  }
  // True when the same request has the same answer: PKCS#1 v1.5 and Ed25519. ECDSA takes a random
  // number, ML-DSA does when it is hedged.
  bool is_deterministic() const {
    return algorithm == SigningAlgorithm::rsa || algorithm == SigningAlgorithm::ed25519;
  }
};

struct SignRequest {
  Digest digest;  // of the bytes to be signed, where the key signs digests
  // The bytes themselves, where it does not; whoever asks keeps them until the answer is there.
  std::span<const std::uint8_t> message;
};

// The value as SignerInfo.signature has it. RSA: PKCS#1 v1.5 over DigestInfo, as long as the
// modulus. ECDSA: Ecdsa-Sig-Value (RFC 5480), DER. Ed25519, ML-DSA: the octets of the standard.
using SignatureOctets = std::vector<std::uint8_t>;

class Signer {
 public:
  virtual ~Signer() = default;

  virtual const SigningKey& key() const = 0;

  // One answer a request, in their order. Called by several threads at once.
  virtual std::vector<Result<SignatureOctets>> sign(std::span<const SignRequest> requests) = 0;
};

// One request.
Result<SignatureOctets> sign_one(Signer& signer, const SignRequest& request);

}  // namespace assay
