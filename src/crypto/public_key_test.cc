#include "crypto/public_key.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>

#include "base/hex.h"
#include "crypto/hash.h"
#include "testing/der.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"
#include "testing/vectors.h"

namespace assay {
namespace {

using der::Bytes;

Bytes big_endian(std::uint64_t value) {
  Bytes bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  return bytes;
}

// value^e mod n by repeated multiplication, from the definition.
std::uint64_t slow_power(std::uint64_t value, std::uint64_t exponent, std::uint64_t modulus) {
  __extension__ using Wide = unsigned __int128;
  Wide result = 1 % modulus;
  for (std::uint64_t i = 0; i < exponent; ++i) result = result * value % modulus;
  return static_cast<std::uint64_t>(result);
}

TEST(RsaKey, AppliesAsTheDefinitionSays) {
  EXPECT_TRUE(rc::check([](std::uint64_t modulus, std::uint64_t value, std::uint16_t exponent) {
    RC_PRE(modulus != 0);
    const auto key = RsaKey::make(big_endian(modulus), big_endian(exponent));
    RC_ASSERT(key.has_value());
    const auto applied = key->apply(big_endian(value % modulus), 8);
    RC_ASSERT(applied.has_value());
    RC_ASSERT(*applied == big_endian(slow_power(value % modulus, exponent, modulus)));
  }));
}

// Even moduli, exponents 0 and 1, and values at the edges: kernels compute with them all.
TEST(RsaKey, EdgesOfItsNumbers) {
  for (const std::uint64_t modulus : {1ULL, 2ULL, 3ULL, 15ULL, 16ULL, 0x8000000000000000ULL,
                                      0xFFFFFFFFFFFFFFFEULL, 0xFFFFFFFFFFFFFFFFULL})
    for (const std::uint64_t exponent : {0ULL, 1ULL, 2ULL, 3ULL, 65537ULL})
      for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, modulus - 1}) {
        if (value >= modulus) continue;
        const auto key = RsaKey::make(big_endian(modulus), big_endian(exponent));
        ASSERT_TRUE(key);
        EXPECT_EQ(*key->apply(big_endian(value), 8),
                  big_endian(slow_power(value, exponent, modulus)))
            << value << "^" << exponent << " mod " << modulus;
      }
}

TEST(RsaKey, ComparesWithItsModulus) {
  const auto key = RsaKey::make(Bytes{0, 0, 0x01, 0x00}, Bytes{3});
  ASSERT_TRUE(key);
  EXPECT_EQ(key->modulus_size(), 2U);
  EXPECT_EQ(key->compare_with_modulus(Bytes{0xFF}), -1);
  EXPECT_EQ(key->compare_with_modulus(Bytes{0, 1, 0}), 0);
  EXPECT_EQ(key->compare_with_modulus(Bytes{1, 1}), 1);
  EXPECT_EQ(key->compare_with_modulus(Bytes{0xFF}, true), 0);
  EXPECT_EQ(key->compare_with_modulus(Bytes{0xFE}, true), -1);
  EXPECT_EQ(key->compare_with_modulus(Bytes{}, true), -1);
}

TEST(RsaKey, RefusesWhatIsNoKey) {
  EXPECT_EQ(RsaKey::make({}, {}).error().reason, Reason::crypto_failed);
  EXPECT_EQ(RsaKey::make(Bytes(8, 0), Bytes{3}).error().reason, Reason::crypto_failed);
  EXPECT_EQ(RsaKey::make(Bytes{7}, Bytes{0, 3}).error().reason, Reason::limit_size);
  // A result that does not fit is an error, not a cut.
  const auto key = RsaKey::make(big_endian(0xFFFF), Bytes{1});
  EXPECT_FALSE(key->apply(big_endian(0x1234), 1));
  EXPECT_EQ(*key->apply(big_endian(0x1234), 2), (Bytes{0x12, 0x34}));
}

Bytes must_run(const std::vector<std::string>& command, std::span<const std::uint8_t> input = {}) {
  Finished finished = run_command(command, input);
  EXPECT_EQ(finished.status, 0) << command[1] << ": " << finished.error;
  return std::move(finished.out);
}

TEST(RsaKey, AgreesWithOpenssl) {
  const TemporaryFolder folder;
  for (const std::string_view bits : {"512", "1024", "2047"}) {
    const std::string key_file = folder / "key.pem";
    must_run({"openssl", "genrsa", "-out", key_file, std::string(bits)});
    const Bytes text = must_run({"openssl", "rsa", "-in", key_file, "-noout", "-modulus"});
    std::string hex(text.begin() + 8, text.end() - 1);  // "Modulus=HEX\n"
    const Bytes modulus = from_hex(hex.size() % 2 == 0 ? hex : "0" + hex).value();
    const auto key = RsaKey::make(modulus, Bytes{1, 0, 1});
    ASSERT_TRUE(key);
    ASSERT_EQ(key->modulus_size(), modulus.size());
    std::mt19937 random(1);
    for (int i = 0; i < 4; ++i) {
      Bytes value(modulus.size());
      for (std::uint8_t& byte : value) byte = static_cast<std::uint8_t>(random());
      value[0] = 0;
      const Bytes theirs = must_run({"openssl", "pkeyutl", "-encrypt", "-inkey", key_file,
                                     "-pkeyopt", "rsa_padding_mode:none"},
                                    value);
      EXPECT_EQ(*key->apply(value, modulus.size()), theirs);
    }
  }
}

struct Key {
  Curve curve;
  Bytes point;
  Bytes order;
};

Key key_of(const EcdsaVector& vector) {
  static const std::string_view names[] = {"ecdsa-nist-p192", "ecdsa-nist-p256", "ecdsa-nist-p384",
                                           "ecdsa-nist-p521"};
  const auto at = std::ranges::find(names, vector.curve) - std::begin(names);
  return {static_cast<Curve>(at), der::join({der::from_hex(vector.x), der::from_hex(vector.y)}),
          der::from_hex(vector.order)};
}

Bytes digest_of_sample(const EcdsaVector& vector) {
  const auto digest = compute_digest(*find_hash(vector.hash), bytes_of("sample"));
  return {digest->bytes().begin(), digest->bytes().end()};
}

Bytes plus(Bytes number, int change) {
  for (std::size_t i = number.size(); i-- > 0 && change != 0;) {
    const int sum = number[i] + change;
    number[i] = static_cast<std::uint8_t>(sum);
    change = sum < 0 ? -1 : sum >> 8;
  }
  return number;
}

TEST(EcdsaKey, AcceptsTheVectorsOfRfc6979AndNothingNear) {
  for (const EcdsaVector& vector : kEcdsaVectors) {
    const Key parts = key_of(vector);
    EXPECT_EQ(coordinate_size(parts.curve), parts.point.size() / 2);
    const auto key = EcdsaKey::make(parts.curve, parts.point);
    ASSERT_TRUE(key) << vector.curve;
    const Bytes r = der::from_hex(vector.r);
    const Bytes s = der::from_hex(vector.s);
    const Bytes digest = digest_of_sample(vector);
    EXPECT_TRUE(*key->verify(r, s, digest)) << vector.curve << vector.hash;
    EXPECT_FALSE(*key->verify(s, r, digest));
    EXPECT_FALSE(*key->verify(plus(r, true), s, digest));
    EXPECT_FALSE(*key->verify(r, plus(s, -1), digest));
    Bytes other = digest;
    other[0] = static_cast<std::uint8_t>(other[0] ^ 0x80);
    EXPECT_FALSE(*key->verify(r, s, other));
    EXPECT_FALSE(*key->verify(r, s, {}));
    // Leading zeros are no part of a number.
    EXPECT_TRUE(*key->verify(der::join({Bytes{0, 0}, r}), s, digest));
    // s and n - s verify alike (FIPS 186-5 asks for neither).
    Bytes negated = parts.order;
    int borrow = 0;
    for (std::size_t i = negated.size(); i-- > 0;) {
      const int difference = negated[i] - s[i] - borrow;
      borrow = difference < 0 ? 1 : 0;
      negated[i] = static_cast<std::uint8_t>(difference);
    }
    EXPECT_TRUE(*key->verify(r, negated, digest));
  }
}

TEST(EcdsaKey, RangeOfItsNumbers) {
  for (const EcdsaVector& vector : kEcdsaVectors) {
    const Key parts = key_of(vector);
    const auto key = EcdsaKey::make(parts.curve, parts.point);
    ASSERT_TRUE(key);
    EXPECT_FALSE(key->in_range({}));
    EXPECT_FALSE(key->in_range(Bytes(8, 0)));
    EXPECT_TRUE(key->in_range(Bytes{1}));
    EXPECT_TRUE(key->in_range(plus(parts.order, -1)));
    EXPECT_FALSE(key->in_range(parts.order));
    EXPECT_FALSE(key->in_range(plus(parts.order, 1)));
    EXPECT_FALSE(key->in_range(der::join({Bytes{1}, parts.order})));
    // Those at the edges are in range and verify nothing here.
    const Bytes digest = digest_of_sample(vector);
    for (const Bytes& edge : {Bytes{1}, plus(parts.order, -1)}) {
      EXPECT_FALSE(*key->verify(edge, edge, digest));
      EXPECT_FALSE(*key->verify(der::from_hex(vector.r), edge, digest));
      EXPECT_FALSE(*key->verify(edge, der::from_hex(vector.s), digest));
    }
  }
}

TEST(EcdsaKey, PointsOffTheCurveAreNoKeys) {
  for (const EcdsaVector& vector : kEcdsaVectors) {
    const Key parts = key_of(vector);
    const std::size_t size = coordinate_size(parts.curve);
    Bytes off = parts.point;
    off.back() = static_cast<std::uint8_t>(off.back() ^ 1);
    EXPECT_FALSE(EcdsaKey::make(parts.curve, off));
    EXPECT_FALSE(EcdsaKey::make(parts.curve, Bytes(2 * size, 0)));
    EXPECT_FALSE(EcdsaKey::make(parts.curve, Bytes(2 * size, 0xFF)));
    EXPECT_FALSE(EcdsaKey::make(parts.curve, std::span(parts.point).first(2 * size - 1)));
    EXPECT_FALSE(EcdsaKey::make(parts.curve, der::join({parts.point, Bytes{0}})));
    EXPECT_FALSE(EcdsaKey::make(parts.curve, {}));
  }
  // A point of one curve is none of another.
  const Key p256 = key_of(kEcdsaVectors[1]);
  EXPECT_FALSE(EcdsaKey::make(Curve::p384, p256.point));
}

}  // namespace
}  // namespace assay
