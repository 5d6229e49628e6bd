// crypto/public_key.h - the two public-key operations that kernels verify with, computed by
// libcrypto.
//
// Only the mathematics is here. Which lengths, paddings and values a kernel accepts, and the error
// it gives for the others, is in signatures/public_key_verify.h.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace assay {

// RSA's public operation. Values are big-endian unsigned integers. Copies share the key and may be
// used by several threads.
class RsaKey {
 public:
  // crypto_failed for a modulus of 0, limit_size for an exponent longer than the modulus.
  static Result<RsaKey> make(std::span<const std::uint8_t> modulus,
                             std::span<const std::uint8_t> exponent);

  // Bytes of the modulus without leading zeros.
  std::size_t modulus_size() const;

  // -1, 0, 1 as `value` is below, equal to or above the modulus, or the modulus less one.
  int compare_with_modulus(std::span<const std::uint8_t> value, bool less_one = false) const;

  // value^e mod n in `size` bytes. Requires value < n.
  Result<std::vector<std::uint8_t>> apply(std::span<const std::uint8_t> value,
                                          std::size_t size) const;

 private:
  struct Parts;
  explicit RsaKey(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

enum class Curve : std::uint8_t { p192, p256, p384, p521 };

std::size_t coordinate_size(Curve curve);  // 24, 32, 48, 66

// ECDSA over the NIST curves (FIPS 186-5, 6.4.2).
class EcdsaKey {
 public:
  // `point` is the uncompressed point without its leading octet 4: x and y of equal length. Nothing
  // when it is not a point of the curve other than infinity.
  static std::optional<EcdsaKey> make(Curve curve, std::span<const std::uint8_t> point);

  // Is 0 < value < n, the order of the curve?
  bool in_range(std::span<const std::uint8_t> value) const;

  // Requires r and s in range.
  Result<bool> verify(std::span<const std::uint8_t> r, std::span<const std::uint8_t> s,
                      std::span<const std::uint8_t> digest) const;

 private:
  struct Parts;
  explicit EcdsaKey(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace assay
