#include "crypto/signer.h"

#include <utility>

namespace assay {

std::string_view signing_algorithm_name(SigningAlgorithm algorithm) {
  switch (algorithm) {
    case SigningAlgorithm::rsa: return "rsa";
    case SigningAlgorithm::ecdsa: return "ecdsa";
    case SigningAlgorithm::ed25519: return "ed25519";
    case SigningAlgorithm::mldsa44: return "mldsa44";
    case SigningAlgorithm::mldsa65: return "mldsa65";
    case SigningAlgorithm::mldsa87: return "mldsa87";
  }
  std::unreachable();
}

Result<SignatureOctets> sign_one(Signer& signer, const SignRequest& request) {
  auto answers = signer.sign(std::span(&request, 1));
  if (answers.size() != 1)
    return fail(Reason::crypto_failed, {}, "the signer does not answer each request");
  return std::move(answers.front());
}

}  // namespace assay
