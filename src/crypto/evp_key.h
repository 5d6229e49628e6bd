// crypto/evp_key.h - what this room's files share about libcrypto's keys.

#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <memory>
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

// A context that signs or verifies digests of this hash as CMS has them: RSA by PKCS#1 v1.5.
// `start`: EVP_PKEY_sign_init or EVP_PKEY_verify_init.
Result<OwnedEvp<EVP_PKEY_CTX>> digest_context(EVP_PKEY* key, Hash hash,
                                              int (*start)(EVP_PKEY_CTX*));

}  // namespace assay
