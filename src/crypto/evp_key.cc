#include "crypto/evp_key.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace assay {

namespace {

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

}  // namespace

// libcrypto's last word, and its queue of errors emptied.
std::unexpected<Error> crypto_error(Reason reason, std::string what) {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  if (text != nullptr) what += std::string(what.empty() ? "" : ": ") + text;
  return fail(reason, {}, std::move(what));
}

Result<SigningKey> describe_evp_key(EVP_PKEY* key) {
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

Result<DigestContexts::Context> DigestContexts::take(Hash hash) {
  {
    const std::lock_guard lock(mutex_);
    if (auto& idle = idle_[hash]; !idle.empty()) {
      Context context = std::move(idle.back());
      idle.pop_back();
      return context;
    }
  }
  return make(hash);
}

void DigestContexts::put_back(Hash hash, Context context) {
  const std::lock_guard lock(mutex_);
  idle_[hash].push_back(std::move(context));
}

Result<DigestContexts::Context> DigestContexts::make(Hash hash) const {
  const std::string name(hash_name(hash));
  const EVP_MD* method = EVP_get_digestbyname(name.c_str());
  if (method == nullptr) return fail(Reason::crypto_unavailable, {}, name);
  Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_, nullptr));
  if (!context || start_(context.get()) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), method) != 1 ||
      (EVP_PKEY_is_a(key_, "RSA") == 1 &&
       EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1))
    return crypto_error(Reason::crypto_failed, "a key of this kind with " + name);
  return context;
}

}  // namespace assay
