// signatures/algorithms.h - the object identifiers that kernels map to algorithms, and since when.

#pragma once

#include <optional>
#include <span>

#include "crypto/hash.h"
#include "crypto/public_key.h"
#include "formats/oid.h"
#include "signatures/kernel.h"

namespace assay {

// A kind of key, or of signature: the kernel's pkey_algo.
enum class KeyKind : std::uint8_t {
  rsa,
  ecdsa_p192,
  ecdsa_p256,
  ecdsa_p384,
  ecdsa_p521,
  ecdsa,  // of a signature, which does not name its curve
  ecrdsa,
  sm2,
  ml_dsa_44,
  ml_dsa_65,
  ml_dsa_87,
};

std::string_view key_kind_name(KeyKind kind);  // the kernel's: "rsa", "ecdsa-nist-p256", "mldsa44"
std::optional<Curve> curve_of(KeyKind kind);
bool is_ml_dsa(KeyKind kind);

// A row of pkcs7_sig_note_digest_algo: SignerInfo.digestAlgorithm.
struct DigestAlgorithm {
  Oid oid;
  Hash hash;
  Scope scope;
};

// A row of pkcs7_sig_note_pkey_algo: SignerInfo.signatureAlgorithm.
struct SignatureAlgorithm {
  Oid oid;
  KeyKind kind;
  Scope scope;
};

// A row of x509_note_sig_algo: what a certificate is signed with. ML-DSA takes the data itself.
struct CertificateAlgorithm {
  Oid oid;
  KeyKind kind;
  std::optional<Hash> hash;
  Scope scope;
};

// A row of x509_extract_key_data: the key, for ecPublicKey by its curve.
struct KeyAlgorithm {
  Oid oid;
  Oid curve;  // Oid::unknown where the algorithm has none
  KeyKind kind;
  Scope scope;
};

// A row of mscode_note_digest_algo: the digest of a PE image in its Authenticode signature.
const DigestAlgorithm* find_image_digest_algorithm(Oid oid);

// Where an identifier is in the kernel's registry (include/linux/oid_registry.h). Some checks tell an
// unsuitable identifier from one that the kernel has never heard of.
Scope registry_scope(Oid oid);
bool is_in_registry(Oid oid);  // of any version

std::span<const DigestAlgorithm> digest_algorithms();
std::span<const SignatureAlgorithm> signature_algorithms();
std::span<const CertificateAlgorithm> certificate_algorithms();
std::span<const KeyAlgorithm> key_algorithms();

const DigestAlgorithm* find_digest_algorithm(Oid oid);
const SignatureAlgorithm* find_signature_algorithm(Oid oid);
const CertificateAlgorithm* find_certificate_algorithm(Oid oid);
const KeyAlgorithm* find_key_algorithm(Oid oid, Oid curve);

}  // namespace assay
