#include "trust/platform.h"

namespace assay {

Truth Platform::sig_enforce() const {
  if (state.sig_enforce) return truth(*state.sig_enforce);
  return config.is_on("CONFIG_MODULE_SIG_FORCE") == Truth::yes ? Truth::yes : Truth::unknown;
}

Truth Platform::locked_down(Lockdown at_least) const {
  if (!state.lockdown) return Truth::unknown;
  return truth(*state.lockdown >= at_least);
}

KernelCrypto crypto_of(const KernelConfig& config, Truth autoload) {
  const auto has = [&](std::string_view name) {
    const auto value = config.find(name);
    if (!config.is_known()) return Truth::unknown;
    if (value == "y") return Truth::yes;
    return value == "m" ? autoload : Truth::no;
  };
  KernelCrypto crypto;
  const auto set = [&](Hash hash, Truth value) {
    crypto.hashes[static_cast<std::size_t>(hash)] = value;
  };
  set(Hash::md4, has("CONFIG_CRYPTO_MD4"));
  set(Hash::md5, has("CONFIG_CRYPTO_MD5"));
  set(Hash::sha1, has("CONFIG_CRYPTO_SHA1"));
  set(Hash::rmd160, has("CONFIG_CRYPTO_RMD160"));
  for (const Hash hash : {Hash::sha224, Hash::sha256}) set(hash, has("CONFIG_CRYPTO_SHA256"));
  for (const Hash hash : {Hash::sha384, Hash::sha512}) set(hash, has("CONFIG_CRYPTO_SHA512"));
  for (const Hash hash : {Hash::sha3_256, Hash::sha3_384, Hash::sha3_512})
    set(hash, has("CONFIG_CRYPTO_SHA3"));
  set(Hash::sm3, has("CONFIG_CRYPTO_SM3") || has("CONFIG_CRYPTO_SM3_GENERIC"));
  for (const Hash hash : {Hash::streebog256, Hash::streebog512})
    set(hash, has("CONFIG_CRYPTO_STREEBOG"));
  crypto.rsa = has("CONFIG_CRYPTO_RSA");
  crypto.ecdsa = has("CONFIG_CRYPTO_ECDSA");
  crypto.ecrdsa = has("CONFIG_CRYPTO_ECRDSA");
  crypto.sm2 = has("CONFIG_CRYPTO_SM2");
  crypto.ml_dsa = has("CONFIG_CRYPTO_MLDSA");
  return crypto;
}

}  // namespace assay
