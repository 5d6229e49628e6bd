#include "edit/signing_requests.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/signature_check.h"
#include "edit/ima_sign.h"

namespace assay {

namespace {

// What a signer is asked with, again: the digest, or the attributes themselves.
SignRequest sign_request(const SigningRequest& request) {
  return {request.digest, request.attributes};
}

ImaSignOptions ima_options(const SignOptions& options, std::uint8_t version) {
  ImaSignOptions ima;
  ima.hash = options.hash;
  ima.version = version;
  ima.existing = options.existing;
  return ima;
}

// As it was asked before.
Result<void> check_same(const SigningRequest& now, const SigningRequest& request) {
  if (now.content == request.content && now.carrier == request.carrier &&
      now.digest == request.digest && now.attributes == request.attributes)
    return {};
  return fail(Reason::record_mismatch, {},
              fmt::format("the answer is over {}, the file asks for {}", request.digest.hex(),
                          now.digest.hex()));
}

Result<void> check_answer(const SigningRequest& request, const SigningKey& key) {
  if (request.value.empty()) return fail(Reason::record_mismatch, {}, "there is no answer");
  const auto good = check_signature(key, sign_request(request), request.value);
  if (good) return {};
  if (good.error().reason != Reason::signer_failed) return std::unexpected(good.error());
  return fail(Reason::record_mismatch, {},
              fmt::format("the answer is no signature of {} {} by the certificate's key",
                          hash_name(request.digest.hash()), request.digest.hex()));
}

Result<SigningRequest> make_ima_request(const Artifact& artifact, const SigningKey& key,
                                        const ImaSignOptions& options) {
  ASSAY_TRY(PreparedImaSignature prepared, prepare_ima(artifact, key, options));
  SigningRequest request;
  request.name = artifact.name;
  ASSAY_TRY(request.content, identify(*artifact.plain));
  request.carrier = RecordPart::Carrier::xattr;
  request.digest = prepared.digest;
  request.attributes = std::move(prepared.identity);
  return request;
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
                                    const SignOptions& options,
                                    const std::optional<std::uint8_t>& ima_version) {
  if (ima_version) return make_ima_request(artifact, key, ima_options(options, *ima_version));
  ASSAY_TRY(const auto prepared, prepare_signature(artifact, key, options));
  return make_request(artifact, key, *prepared);
}

Result<Edited> attach_answer(const Artifact& artifact, const SigningRequests& requests,
                             const SigningRequest& request, const SigningKey& key) {
  if (requests.ima_version) {
    const ImaSignOptions options = ima_options(requests.options, *requests.ima_version);
    ASSAY_TRY(const SigningRequest now, make_ima_request(artifact, key, options));
    ASSAY_CHECK(check_same(now, request));
    ASSAY_CHECK(check_answer(request, key));
    return finish_ima(artifact, requests.certificate, options, request.value);
  }
  ASSAY_TRY(const auto prepared, prepare_signature(artifact, key, requests.options));
  ASSAY_TRY(const SigningRequest now, make_request(artifact, key, *prepared));
  ASSAY_CHECK(check_same(now, request));
  ASSAY_CHECK(check_answer(request, key));
  return finish_signature(artifact, *prepared, requests.options, key, requests.certificate,
                          request.value);
}

}  // namespace assay
