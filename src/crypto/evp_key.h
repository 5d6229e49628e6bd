// crypto/evp_key.h - what this room's files share about libcrypto's keys.

#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/signer.h"

namespace assay {

struct FreeEvp {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(OSSL_DECODER_CTX* context) const { OSSL_DECODER_CTX_free(context); }
  void operator()(OSSL_STORE_CTX* store) const { OSSL_STORE_close(store); }
  void operator()(OSSL_STORE_INFO* info) const { OSSL_STORE_INFO_free(info); }
  void operator()(UI_METHOD* method) const { UI_destroy_method(method); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};
template <class T>
using OwnedEvp = std::unique_ptr<T, FreeEvp>;

// libcrypto's last word, and its queue of errors emptied.
std::unexpected<Error> crypto_error(Reason reason, std::string what);

// What i2d_ functions deliver; empty where they fail.
std::vector<std::uint8_t> der_of(auto write, auto* object) {
  unsigned char* bytes = nullptr;
  const int size = write(object, &bytes);
  const OwnedEvp<unsigned char> owner(bytes);
  if (size <= 0) return {};
  return {bytes, bytes + size};
}

// crypto_unavailable for an algorithm or a curve that Assay does not know.
Result<SigningKey> describe_evp_key(EVP_PKEY* key);

// Contexts that sign or verify digests as CMS has them (RSA by PKCS#1 v1.5), to be used again and
// again: to make one takes some percent of a signature. EVP_PKEY_sign(3) may be called again with
// the same parameters. Any thread may take and put back.
class DigestContexts {
 public:
  using Context = OwnedEvp<EVP_PKEY_CTX>;

  // `start`: EVP_PKEY_sign_init or EVP_PKEY_verify_init. The key outlives this.
  DigestContexts(EVP_PKEY* key, int (*start)(EVP_PKEY_CTX*)) : key_(key), start_(start) {}

  // One that nobody uses now.
  Result<Context> take(Hash hash);
  void put_back(Hash hash, Context context);

 private:
  Result<Context> make(Hash hash) const;

  EVP_PKEY* key_;
  int (*start_)(EVP_PKEY_CTX*);
  std::mutex mutex_;
  std::map<Hash, std::vector<Context>> idle_;
};

}  // namespace assay
