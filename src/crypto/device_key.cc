#include "crypto/device_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include <algorithm>

#include "crypto/evp_key.h"

namespace assay {

namespace {

struct FreeParts {
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeParts>;

Owned<BIGNUM> number_of(std::span<const std::uint8_t> bytes) {
  return Owned<BIGNUM>(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

std::optional<SigningKey> describe_parameters(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const OwnedEvp<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  const bool made =
      parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
  const OwnedEvp<EVP_PKEY> owner(key);
  ERR_clear_error();
  if (!made) return std::nullopt;
  auto description = describe_evp_key(key);
  if (!description) return std::nullopt;
  return std::move(*description);
}

std::span<const std::uint8_t> identifier_of(int nid) {
  const ASN1_OBJECT* object = OBJ_nid2obj(nid);
  if (object == nullptr) return {};
  return {OBJ_get0_data(object), OBJ_length(object)};
}

// DER's short form: what identifiers and points of these curves need, and one octet more.
std::span<const std::uint8_t> content_of(std::span<const std::uint8_t> element, std::uint8_t tag) {
  if (element.size() > 2 && element[0] == tag && element[1] == element.size() - 2)
    return element.subspan(2);
  if (element.size() > 3 && element[0] == tag && element[1] == 0x81 &&
      element[2] == element.size() - 3)
    return element.subspan(3);
  return {};
}

struct NamedCurve {
  Curve curve;
  int nid;
};
constexpr NamedCurve kCurves[] = {{Curve::p192, NID_X9_62_prime192v1},
                                  {Curve::p256, NID_X9_62_prime256v1},
                                  {Curve::p384, NID_secp384r1},
                                  {Curve::p521, NID_secp521r1}};

}  // namespace

std::optional<SigningKey> describe_rsa_key(std::span<const std::uint8_t> modulus,
                                           std::span<const std::uint8_t> exponent) {
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  const auto n = number_of(modulus);
  const auto e = number_of(exponent);
  if (!builder || !n || !e || BN_is_zero(n.get()) || BN_is_zero(e.get()) ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return std::nullopt;
  return describe_parameters("RSA", builder.get());
}

std::optional<SigningKey> describe_ec_key(Curve curve, std::span<const std::uint8_t> point) {
  const auto* row = std::ranges::find(kCurves, curve, &NamedCurve::curve);
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder || row == std::end(kCurves) || point.empty() ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      OBJ_nid2sn(row->nid), 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1)
    return std::nullopt;
  return describe_parameters("EC", builder.get());
}

std::optional<SigningKey> describe_ec_key(std::span<const std::uint8_t> parameters,
                                          std::span<const std::uint8_t> point) {
  const auto identifier = content_of(parameters, 0x06);
  const auto* row = std::ranges::find_if(kCurves, [&](const NamedCurve& known) {
    return std::ranges::equal(identifier_of(known.nid), identifier);
  });
  if (identifier.empty() || row == std::end(kCurves)) return std::nullopt;
  if (const auto inner = content_of(point, 0x04); !inner.empty()) point = inner;
  return describe_ec_key(row->curve, point);
}

std::optional<SigningKey> describe_ed25519_key(std::span<const std::uint8_t> point) {
  constexpr std::size_t kSize = 32;
  if (point.size() != kSize) point = content_of(point, 0x04);
  if (point.size() != kSize) return std::nullopt;
  const OwnedEvp<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, point.data(), point.size()));
  if (!key) return std::nullopt;
  auto described = describe_evp_key(key.get());
  if (!described) return std::nullopt;
  return std::move(*described);
}

Result<std::vector<std::uint8_t>> write_digest_info(const Digest& digest) {
  const std::string name(hash_name(digest.hash()));
  const EVP_MD* method = EVP_get_digestbyname(name.c_str());
  const auto identifier =
      method == nullptr ? std::span<const std::uint8_t>() : identifier_of(EVP_MD_get_type(method));
  if (identifier.empty()) return fail(Reason::crypto_unavailable, {}, name);
  // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER, NULL }, OCTET STRING }, all of short length.
  const auto octet = [](std::size_t size) { return static_cast<std::uint8_t>(size); };
  const std::size_t algorithm_size = 2 + identifier.size() + 2;
  std::vector<std::uint8_t> info = {0x30, octet(2 + algorithm_size + 2 + digest.size()),
                                    0x30, octet(algorithm_size),
                                    0x06, octet(identifier.size())};
  info.insert(info.end(), identifier.begin(), identifier.end());
  info.insert(info.end(), {0x05, 0x00, 0x04, octet(digest.size())});
  info.insert(info.end(), digest.bytes().begin(), digest.bytes().end());
  return info;
}

Result<SignatureOctets> write_ecdsa_value(std::span<const std::uint8_t> r,
                                          std::span<const std::uint8_t> s) {
  const Owned<ECDSA_SIG> signature(ECDSA_SIG_new());
  auto first = number_of(r);
  auto second = number_of(s);
  if (!signature || !first || !second ||
      ECDSA_SIG_set0(signature.get(), first.get(), second.get()) != 1)
    return crypto_error(Reason::crypto_failed, "an ECDSA value");
  first.release();
  second.release();
  return der_of(i2d_ECDSA_SIG, signature.get());
}

}  // namespace assay
