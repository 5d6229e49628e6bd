#include "crypto/private_key.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <cstring>

#include "crypto/evp_key.h"

namespace assay {

namespace {

template <class T>
using Owned = OwnedEvp<T>;

class MemorySigner final : public Signer {
 public:
  MemorySigner(Owned<EVP_PKEY> key, SigningKey description)
      : key_(std::move(key)), description_(std::move(description)) {}

  const SigningKey& key() const override { return description_; }

  std::vector<Result<SignatureOctets>> sign(std::span<const SignRequest> requests) override {
    std::vector<Result<SignatureOctets>> answers;
    answers.reserve(requests.size());
    for (const SignRequest& request : requests)
      answers.push_back(description_.signs_digests() ? sign_digest(request.digest)
                                                     : sign_message(request.message));
    return answers;
  }

 private:
  Result<SignatureOctets> sign_digest(const Digest& digest) {
    ASSAY_TRY(auto context, contexts_.take(digest.hash()));
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
    SignatureOctets value(size);
    if (EVP_PKEY_sign(context.get(), value.data(), &size, digest.bytes().data(), digest.size()) !=
        1)
      return crypto_error(Reason::crypto_failed, "signing");
    value.resize(size);
    contexts_.put_back(digest.hash(), std::move(context));
    return value;
  }

  Result<SignatureOctets> sign_message(std::span<const std::uint8_t> message) const {
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
    SignatureOctets value(size);
    if (!context ||
        EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key_.get(),
                              nullptr) != 1 ||
        EVP_DigestSign(context.get(), value.data(), &size, message.data(), message.size()) != 1)
      return crypto_error(Reason::crypto_failed, "signing");
    value.resize(size);
    return value;
  }

  Owned<EVP_PKEY> key_;
  SigningKey description_;
  DigestContexts contexts_{key_.get(), EVP_PKEY_sign_init};
};

// The state of one passphrase question: OSSL_STORE may ask again and again.
struct Question {
  const AskPassphrase& ask;
  bool asked = false;
};

int answer_question(char* buffer, int size, int, void* data) {
  auto& question = *static_cast<Question*>(data);
  question.asked = true;
  std::optional<std::string> answer = question.ask ? question.ask() : std::nullopt;
  if (!answer || answer->size() > static_cast<std::size_t>(size)) return -1;
  const int length = static_cast<int>(answer->size());
  std::memcpy(buffer, answer->data(), answer->size());
  OPENSSL_cleanse(answer->data(), answer->size());
  return length;
}

struct Loaded {
  Owned<EVP_PKEY> key;
  std::vector<std::vector<std::uint8_t>> certificates;
};

void take(OSSL_STORE_INFO* info, Loaded& loaded) {
  switch (OSSL_STORE_INFO_get_type(info)) {
    case OSSL_STORE_INFO_PKEY:
      if (!loaded.key) loaded.key.reset(OSSL_STORE_INFO_get1_PKEY(info));
      return;
    case OSSL_STORE_INFO_CERT:
      loaded.certificates.push_back(der_of(i2d_X509, OSSL_STORE_INFO_get0_CERT(info)));
      return;
    default: return;
  }
}

}  // namespace

Result<PrivateKeyFile> parse_private_key(View file, const AskPassphrase& ask) {
  if (file.empty()) return fail(Reason::not_a_private_key, {}, "empty");
  Question question{ask};
  const Owned<BIO> bio(BIO_new_mem_buf(file.bytes().data(), static_cast<int>(file.size())));
  const Owned<UI_METHOD> method(UI_UTIL_wrap_read_pem_callback(answer_question, 0));
  if (!bio || !method) return crypto_error(Reason::crypto_failed, "private key");
  const Owned<OSSL_STORE_CTX> store(OSSL_STORE_attach(
      bio.get(), "file", nullptr, nullptr, method.get(), &question, nullptr, nullptr, nullptr));
  if (!store) return crypto_error(Reason::crypto_failed, "private key");
  Loaded loaded;
  while (OSSL_STORE_eof(store.get()) == 0) {
    const Owned<OSSL_STORE_INFO> info(OSSL_STORE_load(store.get()));
    if (info)
      take(info.get(), loaded);
    else if (OSSL_STORE_error(store.get()) != 0)
      break;
  }
  if (!loaded.key)
    return crypto_error(Reason::not_a_private_key,
                        question.asked ? "the passphrase is missing or wrong" : "");
  ERR_clear_error();
  ASSAY_TRY(SigningKey description, describe_evp_key(loaded.key.get()));
  PrivateKeyFile result;
  result.signer = std::make_unique<MemorySigner>(std::move(loaded.key), std::move(description));
  result.certificates = std::move(loaded.certificates);
  return result;
}

}  // namespace assay
