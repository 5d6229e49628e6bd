#include "edit/signing_requests.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/signature_check.h"

namespace assay {

namespace {

// What a signer is asked with, again: the digest, or the attributes themselves.
SignRequest sign_request(const SigningRequest& request) {
  return {request.digest, request.attributes};
}

Result<SigningRequest> make_request(const Artifact& artifact, const SigningKey& key,
                                    const PreparedSignature& prepared) {
  if (!key.signs_digests() && prepared.message.attributes.empty())
    return fail(Reason::not_signable, {},
                fmt::format("keys of kind {} sign the content itself, or --attributes",
                            signing_algorithm_name(key.algorithm)));
  SigningRequest request;
  request.name = artifact.name;
  ASSAY_TRY(request.content, identify(*artifact.plain));
  request.carrier = prepared.carrier;
  request.digest = prepared.message.request.digest;
  request.attributes = prepared.message.attributes;
  return request;
}

}  // namespace

Result<SigningRequest> make_request(const Artifact& artifact, const SigningKey& key,
                                    const SignOptions& options) {
  ASSAY_TRY(const auto prepared, prepare_signature(artifact, key, options));
  return make_request(artifact, key, *prepared);
}

Result<Edited> attach_answer(const Artifact& artifact, const SigningRequests& requests,
                             const SigningRequest& request, const SigningKey& key) {
  ASSAY_TRY(const auto prepared, prepare_signature(artifact, key, requests.options));
  ASSAY_TRY(const SigningRequest now, make_request(artifact, key, *prepared));
  if (now.content != request.content || now.carrier != request.carrier ||
      now.digest != request.digest || now.attributes != request.attributes)
    return fail(Reason::record_mismatch, {},
                fmt::format("the answer is over {}, the file asks for {}", request.digest.hex(),
                            now.digest.hex()));
  if (request.value.empty()) return fail(Reason::record_mismatch, {}, "there is no answer");
  if (const auto good = check_signature(key, sign_request(request), request.value); !good) {
    if (good.error().reason != Reason::signer_failed) return std::unexpected(good.error());
    return fail(Reason::record_mismatch, {},
                fmt::format("the answer is no signature of {} {} by the certificate's key",
                            hash_name(request.digest.hash()), request.digest.hex()));
  }
  return finish_signature(artifact, *prepared, requests.options, key, requests.certificate,
                          request.value);
}

}  // namespace assay
