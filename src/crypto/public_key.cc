#include "crypto/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace assay {

namespace {

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(BN_MONT_CTX* context) const { BN_MONT_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(EC_GROUP* group) const { EC_GROUP_free(group); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIGNUM> number(std::span<const std::uint8_t> bytes) {
  return Owned<BIGNUM>(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

// Without leading zeros.
std::vector<std::uint8_t> bytes_of(const BIGNUM& number) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(BN_num_bytes(&number)));
  BN_bn2bin(&number, bytes.data());
  return bytes;
}

// One scratch context a thread: BN_CTX_new allocates.
BN_CTX* scratch() {
  thread_local const Owned<BN_CTX> context(BN_CTX_new());
  return context.get();
}

// libcrypto keeps a queue of errors a thread, which would otherwise grow and be blamed on the next
// caller.
template <class T>
std::unexpected<T> drained(std::unexpected<T> error) {
  ERR_clear_error();
  return error;
}

}  // namespace

struct RsaKey::Parts {
  Owned<BIGNUM> modulus;
  Owned<BIGNUM> exponent;
  Owned<BN_MONT_CTX> montgomery;
  std::array<std::vector<std::uint8_t>, 2> bounds{};  // the modulus, and one less: their bytes
};

Result<RsaKey> RsaKey::make(std::span<const std::uint8_t> modulus,
                            std::span<const std::uint8_t> exponent) {
  // The time of the operation grows with the exponent; the kernel does not take longer ones either
  // (crypto/rsa_helper.c rsa_get_e).
  if (exponent.size() > modulus.size()) return fail(Reason::limit_size, {}, "RSA exponent");
  Parts parts{number(modulus), number(exponent), Owned<BN_MONT_CTX>(BN_MONT_CTX_new())};
  if (!parts.modulus || !parts.exponent || !parts.montgomery)
    return drained(fail(Reason::crypto_failed, {}, "RSA key"));
  if (BN_is_zero(parts.modulus.get()))
    return fail(Reason::crypto_failed, {}, "the RSA modulus is 0");
  const Owned<BIGNUM> less_one(BN_dup(parts.modulus.get()));
  if (!less_one || BN_sub_word(less_one.get(), 1) != 1)
    return drained(fail(Reason::crypto_failed, {}, "RSA modulus"));
  parts.bounds = {bytes_of(*parts.modulus), bytes_of(*less_one)};
  if (BN_is_odd(parts.modulus.get()) &&
      BN_MONT_CTX_set(parts.montgomery.get(), parts.modulus.get(), scratch()) != 1)
    return drained(fail(Reason::crypto_failed, {}, "RSA modulus"));
  return RsaKey(std::make_shared<const Parts>(std::move(parts)));
}

std::size_t RsaKey::modulus_size() const {
  return static_cast<std::size_t>(BN_num_bytes(parts_->modulus.get()));
}

// By bytes: each verdict asks, and a BIGNUM is slow to make.
int RsaKey::compare_with_modulus(std::span<const std::uint8_t> value, bool less_one) const {
  const auto& bound = parts_->bounds[less_one ? 1 : 0];
  while (!value.empty() && value.front() == 0) value = value.subspan(1);
  if (value.size() != bound.size()) return value.size() < bound.size() ? -1 : 1;
  const int order = value.empty() ? 0 : std::memcmp(value.data(), bound.data(), value.size());
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

Result<std::vector<std::uint8_t>> RsaKey::apply(std::span<const std::uint8_t> value,
                                                std::size_t size) const {
  const Owned<BIGNUM> base = number(value);
  const Owned<BIGNUM> result(BN_new());
  if (!base || !result) return drained(fail(Reason::crypto_failed, {}, "RSA"));
  const BIGNUM* exponent = parts_->exponent.get();
  const BIGNUM* modulus = parts_->modulus.get();
  // An even modulus is no RSA key, but kernels compute with it all the same.
  const int done = BN_is_odd(modulus)
                       ? BN_mod_exp_mont(result.get(), base.get(), exponent, modulus, scratch(),
                                         parts_->montgomery.get())
                       : BN_mod_exp(result.get(), base.get(), exponent, modulus, scratch());
  if (done != 1) return drained(fail(Reason::crypto_failed, {}, "RSA"));
  std::vector<std::uint8_t> bytes(size);
  if (BN_bn2binpad(result.get(), bytes.data(), static_cast<int>(size)) < 0)
    return drained(fail(Reason::crypto_failed, {}, "RSA"));
  return bytes;
}

namespace {

struct CurveRow {
  Curve curve;
  const char* name;
  int nid;
  std::size_t coordinate_size;
};

constexpr CurveRow kCurves[] = {
    {Curve::p192, SN_X9_62_prime192v1, NID_X9_62_prime192v1, 24},
    {Curve::p256, SN_X9_62_prime256v1, NID_X9_62_prime256v1, 32},
    {Curve::p384, SN_secp384r1, NID_secp384r1, 48},
    {Curve::p521, SN_secp521r1, NID_secp521r1, 66},
};

const CurveRow& curve_row(Curve curve) { return kCurves[static_cast<std::size_t>(curve)]; }

}  // namespace

std::size_t coordinate_size(Curve curve) { return curve_row(curve).coordinate_size; }

struct EcdsaKey::Parts {
  Owned<EVP_PKEY> key;
  Owned<BIGNUM> order;
};

std::optional<EcdsaKey> EcdsaKey::make(Curve curve, std::span<const std::uint8_t> point) {
  const CurveRow& row = curve_row(curve);
  const Owned<EC_GROUP> group(EC_GROUP_new_by_curve_name(row.nid));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  Parts parts{{}, Owned<BIGNUM>(BN_new())};
  std::vector<std::uint8_t> encoded{4};
  encoded.insert(encoded.end(), point.begin(), point.end());
  std::string name = row.name;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (!group || !context || !parts.order ||
      EC_GROUP_get_order(group.get(), parts.order.get(), nullptr) != 1 ||
      EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  parts.key.reset(key);
  const Owned<EVP_PKEY_CTX> check(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return EcdsaKey(std::make_shared<const Parts>(std::move(parts)));
}

bool EcdsaKey::in_range(std::span<const std::uint8_t> value) const {
  const Owned<BIGNUM> candidate = number(value);
  return !BN_is_zero(candidate.get()) && BN_cmp(candidate.get(), parts_->order.get()) < 0;
}

Result<bool> EcdsaKey::verify(std::span<const std::uint8_t> r, std::span<const std::uint8_t> s,
                              std::span<const std::uint8_t> digest) const {
  const Owned<ECDSA_SIG> signature(ECDSA_SIG_new());
  Owned<BIGNUM> r_number = number(r);
  Owned<BIGNUM> s_number = number(s);
  const Owned<EVP_PKEY_CTX> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, parts_->key.get(), nullptr));
  if (!signature || !r_number || !s_number || !context ||
      ECDSA_SIG_set0(signature.get(), r_number.release(), s_number.release()) != 1 ||
      EVP_PKEY_verify_init(context.get()) != 1)
    return drained(fail(Reason::crypto_failed, {}, "ECDSA"));
  unsigned char* encoded = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &encoded);
  if (size <= 0) return drained(fail(Reason::crypto_failed, {}, "ECDSA"));
  const int verdict = EVP_PKEY_verify(context.get(), encoded, static_cast<std::size_t>(size),
                                      digest.data(), digest.size());
  OPENSSL_free(encoded);
  ERR_clear_error();
  return verdict == 1;
}

}  // namespace assay
