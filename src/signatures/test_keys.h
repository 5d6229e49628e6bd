// signatures/test_keys.h - for the tests of this room and of those above it: keys whose private
// parts are known (testing/vectors.h), signatures made with them, and walks that say which rule
// decided.

#pragma once

#include <gtest/gtest.h>

#include "base/hex.h"
#include "crypto/hash.h"
#include "crypto/public_key.h"
#include "signatures/rules.h"
#include "signatures/walk.h"
#include "testing/samples.h"
#include "testing/vectors.h"

namespace assay::test {

using der::Bytes;

// What a kernel function came to: its error, and the rule that made it (nothing for success).
struct Ended {
  Errno err = Errno::none;
  const Rule* rule = nullptr;
  friend bool operator==(const Ended&, const Ended&) = default;
};

inline Ended refused_by(const Rule& rule) { return {rule.otherwise, &rule}; }

inline Ended ended(const Walk& walk, const Outcome& outcome) {
  if (!outcome.failed()) return {};
  const bool has_step = outcome.step >= 0;
  return {outcome.err,
          has_step ? walk.steps()[static_cast<std::size_t>(outcome.step)].rule : nullptr};
}

inline void PrintTo(const Ended& ended, std::ostream* out) {
  *out << errno_name(ended.err) << " by " << (ended.rule ? ended.rule->id : "none");
}

inline Walk walk_of(KernelVersion version, Variant variant = Variant::debian) {
  return Walk({version, variant, Arch::x86_64}, {}, true);
}

// value^d mod n: what only the owner of the key can compute.
inline Bytes rsa_private(const RsaVector& key, std::span<const std::uint8_t> value) {
  const Bytes modulus = der::from_hex(key.modulus);
  const auto made = RsaKey::make(modulus, der::from_hex(key.private_exponent));
  return *made->apply(value, modulus.size());
}

inline Bytes rsa_public_key(const RsaVector& key) {
  return der::sequence({der::integer(der::from_hex(key.modulus)), der::integer(65537)});
}

// DigestInfo as FIPS and RFC 8017 write it, without the digest.
inline Bytes digest_info(std::string_view oid, std::size_t digest_size) {
  Bytes info = der::sequence({der::algorithm(oid), der::octet_string(Bytes(digest_size))});
  info.resize(info.size() - digest_size);
  return info;
}

inline Bytes digest_of(Hash hash, std::span<const std::uint8_t> bytes) {
  const auto digest = compute_digest(hash, bytes);
  return {digest->bytes().begin(), digest->bytes().end()};
}

// 00 01, `pads` times ff, 00, `rest`.
inline Bytes padded_block(std::size_t pads, const Bytes& rest) {
  return der::join({Bytes{0, 1}, Bytes(pads, 0xFF), Bytes{0}, rest});
}

// EMSA-PKCS1-v1_5 with SHA-256.
inline Bytes rsa_sign(const RsaVector& key, std::span<const std::uint8_t> data) {
  const std::size_t size = key.modulus.size() / 2;
  const Bytes rest = der::join({digest_info(oids::kSha256, 32), digest_of(Hash::sha256, data)});
  return rsa_private(key, padded_block(size - 3 - rest.size(), rest));
}

inline Signer rsa_signer(const RsaVector& key) {
  return [&key](std::span<const std::uint8_t> data) { return rsa_sign(key, data); };
}

inline constexpr const RsaVector& kGoodKey = kRsaVectors[0];
inline constexpr const RsaVector& kOtherKey = kRsaVectors[1];

// A certificate for `key`, self-signed where issuer and subject are the same.
inline CertificateSample rsa_certificate(std::string_view issuer, std::string_view subject,
                                         const RsaVector& key = kGoodKey) {
  CertificateSample sample;
  sample.issuer = der::name(issuer);
  sample.subject = der::name(subject);
  sample.key = der::bit_string(rsa_public_key(key));
  return sample;
}

}  // namespace assay::test
