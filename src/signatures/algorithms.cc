#include "signatures/algorithms.h"

#include <algorithm>
#include <array>

namespace assay {

namespace {

// Between 6.1 and 6.12 MD4, MD5 and SM2 left the parsers, SHA-3 and P-521 entered them;
// between 6.12 and 7.2 ML-DSA entered. The versions of the commits are not recorded, so between
// those anchors the answer is unknown.
constexpr Scope kUntil61 = Scope::until(kAnchor61);
constexpr Scope kSince612 = Scope::since(kAnchor612);
constexpr Scope kSince72 = Scope::since(kAnchor72);

constexpr DigestAlgorithm kDigests[] = {
    {Oid::md4, Hash::md4, kUntil61},
    {Oid::md5, Hash::md5, kUntil61},
    {Oid::sha1, Hash::sha1, {}},
    {Oid::sha224, Hash::sha224, {}},
    {Oid::sha256, Hash::sha256, {}},
    {Oid::sha384, Hash::sha384, {}},
    {Oid::sha512, Hash::sha512, {}},
    {Oid::sm3, Hash::sm3, {}},
    {Oid::streebog256, Hash::streebog256, {}},
    {Oid::streebog512, Hash::streebog512, {}},
    {Oid::sha3_256, Hash::sha3_256, kSince612},
    {Oid::sha3_384, Hash::sha3_384, kSince612},
    {Oid::sha3_512, Hash::sha3_512, kSince612},
};

constexpr SignatureAlgorithm kSignatures[] = {
    {Oid::rsa, KeyKind::rsa, {}},
    {Oid::ecdsa_sha1, KeyKind::ecdsa, {}},
    {Oid::ecdsa_sha224, KeyKind::ecdsa, {}},
    {Oid::ecdsa_sha256, KeyKind::ecdsa, {}},
    {Oid::ecdsa_sha384, KeyKind::ecdsa, {}},
    {Oid::ecdsa_sha512, KeyKind::ecdsa, {}},
    {Oid::ecdsa_sha3_256, KeyKind::ecdsa, kSince612},
    {Oid::ecdsa_sha3_384, KeyKind::ecdsa, kSince612},
    {Oid::ecdsa_sha3_512, KeyKind::ecdsa, kSince612},
    {Oid::sm2_sm3, KeyKind::sm2, kUntil61},
    {Oid::gost2012_key_256, KeyKind::ecrdsa, {}},
    {Oid::gost2012_key_512, KeyKind::ecrdsa, {}},
    {Oid::ml_dsa_44, KeyKind::ml_dsa_44, kSince72},
    {Oid::ml_dsa_65, KeyKind::ml_dsa_65, kSince72},
    {Oid::ml_dsa_87, KeyKind::ml_dsa_87, kSince72},
};

constexpr CertificateAlgorithm kCertificates[] = {
    // The kernel's oid_registry.h calls 1.2.840.113549.1.1.4, which is MD5 with RSA, "md4WithRSA":
    // 6.1 keeps such a certificate and computes the wrong digest over it.
    {Oid::rsa_md5, KeyKind::rsa, Hash::md4, kUntil61},
    {Oid::rsa_sha1, KeyKind::rsa, Hash::sha1, {}},
    {Oid::rsa_sha256, KeyKind::rsa, Hash::sha256, {}},
    {Oid::rsa_sha384, KeyKind::rsa, Hash::sha384, {}},
    {Oid::rsa_sha512, KeyKind::rsa, Hash::sha512, {}},
    {Oid::rsa_sha224, KeyKind::rsa, Hash::sha224, {}},
    {Oid::rsa_sha3_256, KeyKind::rsa, Hash::sha3_256, kSince612},
    {Oid::rsa_sha3_384, KeyKind::rsa, Hash::sha3_384, kSince612},
    {Oid::rsa_sha3_512, KeyKind::rsa, Hash::sha3_512, kSince612},
    {Oid::ecdsa_sha1, KeyKind::ecdsa, Hash::sha1, {}},
    {Oid::ecdsa_sha224, KeyKind::ecdsa, Hash::sha224, {}},
    {Oid::ecdsa_sha256, KeyKind::ecdsa, Hash::sha256, {}},
    {Oid::ecdsa_sha384, KeyKind::ecdsa, Hash::sha384, {}},
    {Oid::ecdsa_sha512, KeyKind::ecdsa, Hash::sha512, {}},
    {Oid::ecdsa_sha3_256, KeyKind::ecdsa, Hash::sha3_256, kSince612},
    {Oid::ecdsa_sha3_384, KeyKind::ecdsa, Hash::sha3_384, kSince612},
    {Oid::ecdsa_sha3_512, KeyKind::ecdsa, Hash::sha3_512, kSince612},
    {Oid::gost2012_sig_256, KeyKind::ecrdsa, Hash::streebog256, {}},
    {Oid::gost2012_sig_512, KeyKind::ecrdsa, Hash::streebog512, {}},
    {Oid::sm2_sm3, KeyKind::sm2, Hash::sm3, kUntil61},
    {Oid::ml_dsa_44, KeyKind::ml_dsa_44, std::nullopt, kSince72},
    {Oid::ml_dsa_65, KeyKind::ml_dsa_65, std::nullopt, kSince72},
    {Oid::ml_dsa_87, KeyKind::ml_dsa_87, std::nullopt, kSince72},
};

constexpr KeyAlgorithm kKeys[] = {
    {Oid::rsa, Oid::unknown, KeyKind::rsa, {}},
    {Oid::gost2012_key_256, Oid::unknown, KeyKind::ecrdsa, {}},
    {Oid::gost2012_key_512, Oid::unknown, KeyKind::ecrdsa, {}},
    {Oid::sm2, Oid::unknown, KeyKind::sm2, kUntil61},
    {Oid::ec_public_key, Oid::sm2, KeyKind::sm2, kUntil61},
    {Oid::ec_public_key, Oid::prime192v1, KeyKind::ecdsa_p192, {}},
    {Oid::ec_public_key, Oid::prime256v1, KeyKind::ecdsa_p256, {}},
    {Oid::ec_public_key, Oid::secp384r1, KeyKind::ecdsa_p384, {}},
    {Oid::ec_public_key, Oid::secp521r1, KeyKind::ecdsa_p521, kSince612},
    {Oid::ml_dsa_44, Oid::unknown, KeyKind::ml_dsa_44, kSince72},
    {Oid::ml_dsa_65, Oid::unknown, KeyKind::ml_dsa_65, kSince72},
    {Oid::ml_dsa_87, Oid::unknown, KeyKind::ml_dsa_87, kSince72},
};

// md4 and md5 left with the registry's entries for them, sha224 alone stayed known and went.
constexpr DigestAlgorithm kImageDigests[] = {
    {Oid::md4, Hash::md4, kUntil61},
    {Oid::md5, Hash::md5, kUntil61},
    {Oid::sha1, Hash::sha1, {}},
    {Oid::sha224, Hash::sha224, kUntil61},
    {Oid::sha256, Hash::sha256, {}},
    {Oid::sha384, Hash::sha384, {}},
    {Oid::sha512, Hash::sha512, {}},
    {Oid::sha3_256, Hash::sha3_256, kSince612},
    {Oid::sha3_384, Hash::sha3_384, kSince612},
    {Oid::sha3_512, Hash::sha3_512, kSince612},
};

// Of the identifiers in formats/oids.def, those that are not in the registry of all anchors.
constexpr Oid kNotInRegistry[] = {
    Oid::unknown,     Oid::domain_component, Oid::rsa_pss,        Oid::rsa_oaep,
    Oid::counter_signature, Oid::ed25519,    Oid::ed448,          Oid::secp256k1,
    Oid::secp224r1,   Oid::rmd160,           Oid::ms_nested_signature, Oid::ms_rfc3161_timestamp,
    Oid::eku_server_auth, Oid::eku_client_auth, Oid::eku_code_signing, Oid::shake128,
    Oid::shake256,    Oid::sha512_224,       Oid::sha512_256,     Oid::sha3_224,
    Oid::rsa_sha3_224, Oid::ecdsa_sha3_224,  Oid::serial_number,  Oid::organization_identifier,
    Oid::eku_module_signing, Oid::netscape_certificate_type, Oid::name_constraints, Oid::policy_mappings,
    Oid::policy_constraints, Oid::inhibit_any_policy, Oid::proxy_certificate, Oid::ip_address_blocks,
    Oid::autonomous_system_numbers, Oid::ocsp_no_check,
};
constexpr Oid kRegistryUntil61[] = {Oid::rsa_md2, Oid::rsa_md4, Oid::rsa_md5, Oid::md4, Oid::md5};
constexpr Oid kRegistrySince612[] = {Oid::secp521r1,    Oid::sha3_256,     Oid::sha3_384,     Oid::sha3_512,
                                     Oid::rsa_sha3_256, Oid::rsa_sha3_384, Oid::rsa_sha3_512, Oid::ecdsa_sha3_256,
                                     Oid::ecdsa_sha3_384, Oid::ecdsa_sha3_512};
constexpr Oid kRegistrySince72[] = {Oid::ml_dsa_44, Oid::ml_dsa_65, Oid::ml_dsa_87};

bool is_one_of(std::span<const Oid> oids, Oid oid) { return std::ranges::find(oids, oid) != oids.end(); }

template <class Rows>
auto find_row(const Rows& rows, Oid oid) -> decltype(&rows[0]) {
  for (const auto& row : rows)
    if (row.oid == oid) return &row;
  return nullptr;
}

constexpr std::array<std::string_view, 11> kKindNames = {"rsa",
                                                         "ecdsa-nist-p192",
                                                         "ecdsa-nist-p256",
                                                         "ecdsa-nist-p384",
                                                         "ecdsa-nist-p521",
                                                         "ecdsa",
                                                         "ecrdsa",
                                                         "sm2",
                                                         "mldsa44",
                                                         "mldsa65",
                                                         "mldsa87"};

}  // namespace

std::string_view key_kind_name(KeyKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

std::optional<Curve> curve_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::ecdsa_p192: return Curve::p192;
    case KeyKind::ecdsa_p256: return Curve::p256;
    case KeyKind::ecdsa_p384: return Curve::p384;
    case KeyKind::ecdsa_p521: return Curve::p521;
    default: return std::nullopt;
  }
}

bool is_ml_dsa(KeyKind kind) {
  return kind == KeyKind::ml_dsa_44 || kind == KeyKind::ml_dsa_65 || kind == KeyKind::ml_dsa_87;
}

std::span<const DigestAlgorithm> digest_algorithms() { return kDigests; }
std::span<const SignatureAlgorithm> signature_algorithms() { return kSignatures; }
std::span<const CertificateAlgorithm> certificate_algorithms() { return kCertificates; }
std::span<const KeyAlgorithm> key_algorithms() { return kKeys; }

const DigestAlgorithm* find_digest_algorithm(Oid oid) { return find_row(kDigests, oid); }
const DigestAlgorithm* find_image_digest_algorithm(Oid oid) { return find_row(kImageDigests, oid); }

bool is_in_registry(Oid oid) { return !is_one_of(kNotInRegistry, oid); }

Scope registry_scope(Oid oid) {
  if (is_one_of(kRegistryUntil61, oid)) return kUntil61;
  if (is_one_of(kRegistrySince612, oid)) return kSince612;
  return is_one_of(kRegistrySince72, oid) ? kSince72 : Scope();
}

const SignatureAlgorithm* find_signature_algorithm(Oid oid) { return find_row(kSignatures, oid); }
const CertificateAlgorithm* find_certificate_algorithm(Oid oid) {
  return find_row(kCertificates, oid);
}

const KeyAlgorithm* find_key_algorithm(Oid oid, Oid curve) {
  for (const KeyAlgorithm& row : kKeys)
    if (row.oid == oid && (oid != Oid::ec_public_key || row.curve == curve)) return &row;
  return nullptr;
}

}  // namespace assay
