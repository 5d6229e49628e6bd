#include "crypto/signer.h"

#include <utility>

namespace assay {

std::string_view key_algorithm_name(KeyAlgorithm algorithm) {
  switch (algorithm) {
    case KeyAlgorithm::rsa: return "rsa";
    case KeyAlgorithm::ecdsa: return "ecdsa";
    case KeyAlgorithm::ed25519: return "ed25519";
    case KeyAlgorithm::mldsa44: return "mldsa44";
    case KeyAlgorithm::mldsa65: return "mldsa65";
    case KeyAlgorithm::mldsa87: return "mldsa87";
  }
  std::unreachable();
}

Result<SignatureValue> sign_one(Signer& signer, const SignRequest& request) {
  auto answers = signer.sign(std::span(&request, 1));
  if (answers.size() != 1)
    return fail(Reason::crypto_failed, {}, "the signer does not answer each request");
  return std::move(answers.front());
}

}  // namespace assay
