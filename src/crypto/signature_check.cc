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

// A public key, to check with by any thread.
class Checker {
 public:
  explicit Checker(OwnedEvp<EVP_PKEY> key) : key_(std::move(key)) {}

  Result<void> check(const SigningKey& description, const SignRequest& request,
                     const SignatureOctets& value) {
    ASSAY_TRY(const bool good, description.signs_digests()
                                   ? verify_digest(request.digest, value)
                                   : verify_message(request.message, value));
    ERR_clear_error();
    if (!good)
      return fail(Reason::signer_failed, {}, "what it answered is no signature by this key");
    return {};
  }

 private:
  Result<bool> verify_digest(const Digest& digest, const SignatureOctets& value) {
    ASSAY_TRY(auto context, contexts_.take(digest.hash()));
    const bool good = EVP_PKEY_verify(context.get(), value.data(), value.size(),
                                      digest.bytes().data(), digest.size()) == 1;
    if (good) contexts_.put_back(digest.hash(), std::move(context));
    return good;
  }

  Result<bool> verify_message(std::span<const std::uint8_t> message,
                              const SignatureOctets& value) const {
    const OwnedEvp<EVP_MD_CTX> context(EVP_MD_CTX_new());
    if (!context || EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr,
                                            key_.get(), nullptr) != 1)
      return crypto_error(Reason::crypto_failed, "verifying");
    return EVP_DigestVerify(context.get(), value.data(), value.size(), message.data(),
                            message.size()) == 1;
  }

  OwnedEvp<EVP_PKEY> key_;
  DigestContexts contexts_{key_.get(), EVP_PKEY_verify_init};
};

Result<std::unique_ptr<Checker>> make_checker(View public_key) {
  ASSAY_TRY(auto key, read_public_key(public_key));
  return std::make_unique<Checker>(std::move(key));
}

class CheckedSigner final : public Signer {
 public:
  // The key is read once: that takes longer than a check.
  explicit CheckedSigner(std::unique_ptr<Signer> signer)
      : signer_(std::move(signer)), checker_(make_checker(View(signer_->key().public_key))) {}

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
    if (!checker_) return std::unexpected(checker_.error());
    return (*checker_)->check(key(), request, value);
  }

  std::unique_ptr<Signer> signer_;
  Result<std::unique_ptr<Checker>> checker_;
};

}  // namespace

Result<SigningKey> describe_public_key(View public_key) {
  ASSAY_TRY(const auto key, read_public_key(public_key));
  ERR_clear_error();
  return describe_evp_key(key.get());
}

Result<void> check_signature(const SigningKey& key, const SignRequest& request,
                             const SignatureOctets& value) {
  ASSAY_TRY(const auto checker, make_checker(View(key.public_key)));
  return checker->check(key, request, value);
}

std::unique_ptr<Signer> make_checked_signer(std::unique_ptr<Signer> signer) {
  return std::make_unique<CheckedSigner>(std::move(signer));
}

}  // namespace assay
