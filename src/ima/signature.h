// ima/signature.h - is a signature in an extended attribute one of a key of this keyring?
//
// Mirrors integrity_digsig_verify (security/integrity/digsig.c, digsig_asymmetric.c). Keys are
// looked for by four bytes, the end of their identifiers: of issuer and serial number as well as of
// the subject key identifier.

#pragma once

#include <string_view>

#include "crypto/hash.h"
#include "formats/ima_xattr.h"
#include "ima/hash_algo.h"
#include "signatures/kernel_crypto.h"
#include "signatures/public_key_verify.h"
#include "trust/kernel_config.h"
#include "trust/keyring.h"

namespace assay {

// A keyring as far as it is known.
struct KnownRing {
  const Keyring* keys = nullptr;  // nothing: not known, or not there
  bool is_absent = false;         // the kernel has none of this name
  std::string_view name;          // of the platform's key: "keyrings.ima"
};

struct ImaKeyrings {
  KnownRing ima{nullptr, false, "keyrings.ima"};  // .ima, or where user space makes it _ima
  KnownRing evm{nullptr, false, "keyrings.evm"};
  KnownRing platform{nullptr, false, "keyrings.platform"};
  KnownRing blacklist{nullptr, false, "keyrings.ima_blacklist"};
  const Keyring* revoked = nullptr;  // certificates in .blacklist
};

// The digest that a signature is over, as far as it could be computed.
struct FileDigest {
  const HashAlgo* algo = nullptr;
  std::optional<Digest> value;  // nothing: libcrypto lacks it
};

struct SignatureVerifier {
  const KernelConfig& config;
  const KernelCrypto& crypto;
  const ImaKeyrings& rings;
  PrimitiveCache& cache;

  // With the error of integrity_digsig_verify, which its callers mostly forget.
  Outcome verify(Walk& walk, const ImaXattr& xattr, const FileDigest& digest,
                 const KnownRing& ring) const;
};

}  // namespace assay
