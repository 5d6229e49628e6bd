// signatures/public_key_verify.h - is this a signature of that key? With the kernel's error if not.
//
// Mirrors public_key_verify_signature (crypto/asymmetric_keys/public_key.c) and the algorithms
// below it. The error tells apart what the kernel tells apart: an RSA value that decrypts to
// nothing sensible is EINVAL or EBADMSG by its first octets, one that covers other data is
// EKEYREJECTED.

#pragma once

#include <list>
#include <optional>
#include <vector>

#include "crypto/hash.h"
#include "signatures/algorithms.h"
#include "signatures/kernel_crypto.h"
#include "signatures/prepared_key.h"
#include "signatures/walk.h"

namespace assay {

// A signature value and what it is over.
struct SignatureValue {
  KeyKind kind;
  std::optional<Hash> hash;      // nothing: the algorithm takes the data itself (ML-DSA)
  std::optional<Digest> digest;  // nothing: libcrypto lacks the digest
  View value;
};

// Results of the mathematics, which depend on no kernel: one artifact judged on many platforms
// costs one public-key operation. Not for use by several threads.
class PrimitiveCache {
 public:
  // The block that RSA recovers; nothing where libcrypto failed.
  const std::optional<std::vector<std::uint8_t>>& rsa_block(const PreparedRsaKey& key,
                                                            View signature);
  std::optional<bool> ecdsa_holds(const EcdsaKey& key, View signature, View r, View s,
                                  const Digest& digest);

 private:
  struct RsaEntry {
    const void* key;
    const void* signature;
    std::optional<std::vector<std::uint8_t>> block;
  };
  struct EcdsaEntry {
    const void* key;
    const void* signature;
    Digest digest;
    std::optional<bool> holds;
  };
  std::list<RsaEntry> rsa_;  // an entry stays where it is
  std::vector<EcdsaEntry> ecdsa_;
};

Outcome verify_public_key(Walk& walk, KeyKind key_kind, const PreparedKey& key,
                          const SignatureValue& signature, const KernelCrypto& crypto,
                          PrimitiveCache& cache);

}  // namespace assay
