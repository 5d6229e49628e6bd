#include "crypto/signature_check.h"

#include <openssl/err.h>

#include "crypto/evp_key.h"

namespace assay {

namespace {

Result<OwnedEvp<EVP_PKEY>> read_public_key(View public_key) {
  EVP_PKEY* key = nullptr;
  const OwnedEvp<OSSL_DECODER_CTX> decoder(OSSL_DECODER_CTX_new_for_pkey(
      &key, "DER", "SubjectPublicKeyInfo", nullptr, EVP_PKEY_PUBLIC_KEY, nullptr, nullptr));
  const unsigned char* data = public_key.bytes().data();
  std::size_t size = public_key.size();
  if (!decoder || OSSL_DECODER_from_data(decoder.get(), &data, &size) != 1 || key == nullptr)
    return crypto_error(Reason::crypto_unavailable, "the public key");
  return OwnedEvp<EVP_PKEY>(key);
}

Result<bool> verify(EVP_PKEY* key, const SigningKey& description, const SignRequest& request,
                    const SignatureOctets& value) {
  if (description.signs_digests()) {
    const auto digest = request.digest.bytes();
    ASSAY_TRY(const auto context, digest_context(key, request.digest.hash(), EVP_PKEY_verify_init));
    return EVP_PKEY_verify(context.get(), value.data(), value.size(), digest.data(),
                           digest.size()) == 1;
  }
  const OwnedEvp<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (!context ||
      EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key, nullptr) != 1)
    return crypto_error(Reason::crypto_failed, "verifying");
  return EVP_DigestVerify(context.get(), value.data(), value.size(), request.message.data(),
                          request.message.size()) == 1;
}

Result<void> check_with(EVP_PKEY* public_key, const SigningKey& key, const SignRequest& request,
                        const SignatureOctets& value) {
  ASSAY_TRY(const bool good, verify(public_key, key, request, value));
  ERR_clear_error();
  if (!good) return fail(Reason::signer_failed, {}, "what it answered is no signature by this key");
  return {};
}

class CheckedSigner final : public Signer {
 public:
  // The key is read once: that takes longer than a check.
  explicit CheckedSigner(std::unique_ptr<Signer> signer)
      : signer_(std::move(signer)), public_key_(read_public_key(View(signer_->key().public_key))) {}

  const SigningKey& key() const override { return signer_->key(); }

  std::vector<Result<SignatureOctets>> sign(std::span<const SignRequest> requests) override {
    auto answers = signer_->sign(requests);
    for (std::size_t i = 0; i < answers.size() && i < requests.size(); ++i)
      if (answers[i])
        if (auto good = check(requests[i], *answers[i]); !good)
          answers[i] = std::unexpected(std::move(good.error()));
    return answers;
  }

 private:
  Result<void> check(const SignRequest& request, const SignatureOctets& value) const {
    if (!public_key_) return std::unexpected(public_key_.error());
    return check_with(public_key_->get(), key(), request, value);
  }

  std::unique_ptr<Signer> signer_;
  Result<OwnedEvp<EVP_PKEY>> public_key_;
};

}  // namespace

Result<SigningKey> describe_public_key(View public_key) {
  ASSAY_TRY(const auto key, read_public_key(public_key));
  ERR_clear_error();
  return describe_evp_key(key.get());
}

Result<void> check_signature(const SigningKey& key, const SignRequest& request,
                             const SignatureOctets& value) {
  ASSAY_TRY(const auto public_key, read_public_key(View(key.public_key)));
  return check_with(public_key.get(), key, request, value);
}

std::unique_ptr<Signer> make_checked_signer(std::unique_ptr<Signer> signer) {
  return std::make_unique<CheckedSigner>(std::move(signer));
}

}  // namespace assay
