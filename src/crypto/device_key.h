// crypto/device_key.h - what tokens and TPMs say of a key in libcrypto's terms, and what they sign
// and answer in CMS's.

#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "crypto/signer.h"

namespace assay {

// Of big-endian numbers (CKA_MODULUS, CKA_PUBLIC_EXPONENT); nothing where they are no key.
std::optional<SigningKey> describe_rsa_key(std::span<const std::uint8_t> modulus,
                                           std::span<const std::uint8_t> exponent);

// Of an uncompressed point (SEC 1, 2.3.3).
std::optional<SigningKey> describe_ec_key(Curve curve, std::span<const std::uint8_t> point);

// Of CKA_EC_PARAMS, the curve's object identifier in DER, and CKA_EC_POINT, the point in an OCTET
// STRING or, as some tokens have it, not.
std::optional<SigningKey> describe_ec_key(std::span<const std::uint8_t> parameters,
                                          std::span<const std::uint8_t> point);

// Of CKA_EC_POINT of a key on the curve of Ed25519: 32 bytes (RFC 8032, 5.1.2), in an OCTET STRING
// or not.
std::optional<SigningKey> describe_ed25519_key(std::span<const std::uint8_t> point);

// What CKM_RSA_PKCS is asked to sign: DigestInfo (RFC 8017, 9.2).
Result<std::vector<std::uint8_t>> write_digest_info(const Digest& digest);

// Ecdsa-Sig-Value (RFC 5480, DER) of big-endian numbers.
Result<SignatureOctets> write_ecdsa_value(std::span<const std::uint8_t> r,
                                          std::span<const std::uint8_t> s);

}  // namespace assay
