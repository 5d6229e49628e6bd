#include "crypto/private_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace assay {

namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(OSSL_STORE_CTX* store) const { OSSL_STORE_close(store); }
  void operator()(OSSL_STORE_INFO* info) const { OSSL_STORE_INFO_free(info); }
  void operator()(UI_METHOD* method) const { UI_destroy_method(method); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// libcrypto's last word, and its queue of errors emptied.
std::unexpected<Error> crypto_error(Reason reason, std::string what) {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  if (text != nullptr) what += std::string(what.empty() ? "" : ": ") + text;
  return fail(reason, {}, std::move(what));
}

// What i2d_ functions deliver.
std::vector<std::uint8_t> der_of(auto write, auto* object) {
  unsigned char* bytes = nullptr;
  const int size = write(object, &bytes);
  const Owned<unsigned char> owner(bytes);
  if (size <= 0) return {};
  return {bytes, bytes + size};
}

struct NamedCurve {
  const char* name;
  Curve curve;
};
constexpr NamedCurve kCurves[] = {{"prime192v1", Curve::p192},
                                  {"prime256v1", Curve::p256},
                                  {"secp384r1", Curve::p384},
                                  {"secp521r1", Curve::p521}};

std::optional<Curve> curve_of(EVP_PKEY* key) {
  std::array<char, 64> name{};
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) != 1) return std::nullopt;
  for (const NamedCurve& known : kCurves)
    if (std::strcmp(known.name, name.data()) == 0) return known.curve;
  return std::nullopt;
}

struct NamedAlgorithm {
  const char* name;
  SigningAlgorithm algorithm;
};
// libcrypto's names; those of ML-DSA since 3.5.
constexpr NamedAlgorithm kAlgorithms[] = {
    {"RSA", SigningAlgorithm::rsa},           {"EC", SigningAlgorithm::ecdsa},
    {"ED25519", SigningAlgorithm::ed25519},   {"ML-DSA-44", SigningAlgorithm::mldsa44},
    {"ML-DSA-65", SigningAlgorithm::mldsa65}, {"ML-DSA-87", SigningAlgorithm::mldsa87}};

Result<SigningKey> describe_key(EVP_PKEY* key) {
  const auto* known = std::ranges::find_if(
      kAlgorithms, [key](const NamedAlgorithm& row) { return EVP_PKEY_is_a(key, row.name) == 1; });
  if (known == std::end(kAlgorithms)) {
    const char* name = EVP_PKEY_get0_type_name(key);
    return fail(Reason::crypto_unavailable, {},
                std::string("a key of type ") + (name == nullptr ? "unknown" : name));
  }
  SigningKey description;
  description.algorithm = known->algorithm;
  if (known->algorithm == SigningAlgorithm::ecdsa) {
    description.curve = curve_of(key);
    if (!description.curve) return fail(Reason::crypto_unavailable, {}, "the key's curve");
  }
  description.bits = static_cast<std::size_t>(EVP_PKEY_get_bits(key));
  description.public_key = der_of(i2d_PUBKEY, key);
  if (description.public_key.empty()) return crypto_error(Reason::crypto_failed, "public key");
  return description;
}

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
  Result<SignatureOctets> sign_digest(const Digest& digest) const {
    const std::string name(hash_name(digest.hash()));
    const EVP_MD* hash = EVP_get_digestbyname(name.c_str());
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
    if (hash == nullptr) return fail(Reason::crypto_unavailable, {}, name);
    if (!context || EVP_PKEY_sign_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context.get(), hash) != 1 ||
        (description_.algorithm == SigningAlgorithm::rsa &&
         EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1))
      return crypto_error(Reason::crypto_failed, "signing with " + name);
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()));
    SignatureOctets value(size);
    if (EVP_PKEY_sign(context.get(), value.data(), &size, digest.bytes().data(), digest.size()) !=
        1)
      return crypto_error(Reason::crypto_failed, "signing with " + name);
    value.resize(size);
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
  ASSAY_TRY(SigningKey description, describe_key(loaded.key.get()));
  PrivateKeyFile result;
  result.signer = std::make_unique<MemorySigner>(std::move(loaded.key), std::move(description));
  result.certificates = std::move(loaded.certificates);
  return result;
}

}  // namespace assay
