// verify_public_key with keys that are not RSA, and with signatures of another kind than the key.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "signatures/public_key_verify.h"
#include "signatures/test_keys.h"
#include "testing/mutate.h"
#include "testing/reference_asn1.h"

namespace assay {
namespace {

using namespace test;
namespace rule = rules::public_key;

const Ended kVerified;

struct EcKey {
  KeyKind kind;
  Bytes params;
  Bytes point;  // with the leading 04
};

EcKey key_of(const EcdsaVector& vector) {
  KeyKind kind = KeyKind::ecdsa_p192;
  for (const KeyKind candidate :
       {KeyKind::ecdsa_p192, KeyKind::ecdsa_p256, KeyKind::ecdsa_p384, KeyKind::ecdsa_p521})
    if (key_kind_name(candidate) == vector.curve) kind = candidate;
  return {kind, der::oid(vector.oid),
          der::join({Bytes{4}, der::from_hex(vector.x), der::from_hex(vector.y)})};
}

Ended verify(KernelVersion version, const EcKey& key, const Bytes& signature, Hash hash,
             std::string_view message = "sample", const KernelCrypto& crypto = {},
             KeyKind signature_kind = KeyKind::ecdsa) {
  Certificate certificate;
  certificate.key_algo = Oid::ec_public_key;
  certificate.key_params = View(key.params);
  certificate.key = View(key.point);
  const PreparedKey prepared(certificate);
  PrimitiveCache cache;
  Walk walk = walk_of(version);
  SignatureValue value{signature_kind, hash, std::nullopt, View(signature)};
  if (const auto digest = compute_digest(hash, bytes_of(message))) value.digest = *digest;
  return ended(walk, verify_public_key(walk, key.kind, prepared, value, crypto, cache));
}

Bytes signature_of(const Bytes& r, const Bytes& s) {
  return der::sequence({der::element(2, r), der::element(2, s)});
}

TEST(EcdsaVerify, TheVectorsOfRfc6979) {
  for (const EcdsaVector& vector : kEcdsaVectors) {
    const Bytes signature = der::sequence(
        {der::integer(der::from_hex(vector.r)), der::integer(der::from_hex(vector.s))});
    const Hash hash = *find_hash(vector.hash);
    for (const KernelVersion version : kAnchors) {
      // 6.1 has no P-521, but this is not where it says so.
      EXPECT_EQ(verify(version, key_of(vector), signature, hash),
                version == kAnchor61 && vector.curve == "ecdsa-nist-p521" ? refused_by(rule::ec_key)
                                                                          : kVerified)
          << vector.curve;
      if (vector.curve != "ecdsa-nist-p521") {
        EXPECT_EQ(verify(version, key_of(vector), signature, hash, "test"),
                  refused_by(rule::ecdsa_equation));
      }
    }
  }
}

const EcdsaVector& p256() { return kEcdsaVectors[1]; }

struct NumberCase {
  std::string_view name;
  Bytes signature;
  Ended end;
};

TEST(EcdsaVerify, FormsAndNumbers) {
  const Bytes r = der::from_hex(p256().r);
  const Bytes s = der::from_hex(p256().s);
  const Bytes n = der::from_hex(p256().order);
  const Bytes good =
      signature_of(r, s);  // r and s look negative; the kernel reads them as they are
  const Ended form = refused_by(rule::ecdsa_form);
  const Ended size = refused_by(rule::ecdsa_size);
  const Ended range = refused_by(rule::ecdsa_range);
  const Ended equation = refused_by(rule::ecdsa_equation);
  const Bytes zero{0};
  const NumberCase cases[] = {
      {"good", good, kVerified},
      {"with leading zeros", signature_of(der::join({zero, r}), der::join({zero, s})), kVerified},
      {"a byte after it", der::join({good, zero}), kVerified},
      {"indefinite length", der::indefinite(0x30, {der::element(2, r), der::element(2, s)}),
       kVerified},
      {"two leading zeros", signature_of(der::join({zero, zero, r}), s), size},
      {"r of 33 bytes", signature_of(der::join({Bytes{1}, r}), s), size},
      {"s of 33 bytes", signature_of(r, der::join({Bytes{1}, s})), size},
      {"r empty", signature_of({}, s), size},
      {"s empty", signature_of(r, {}), size},
      {"r too long before s is missing", der::sequence({der::element(2, Bytes(40, 1))}), size},
      {"r 0", signature_of(zero, s), range},
      {"s 0", signature_of(r, zero), range},
      {"s of zeros", signature_of(r, Bytes(32, 0)), range},
      {"r the order", signature_of(n, s), range},
      {"s the order", signature_of(r, n), range},
      {"all ones", signature_of(Bytes(32, 0xFF), s), range},
      {"r 1", signature_of({1}, s), equation},
      {"s 1", signature_of(r, {1}), equation},
      {"exchanged", signature_of(s, r), equation},
      {"empty", {}, form},
      {"raw numbers", der::join({r, s}), form},
      {"s missing", der::sequence({der::element(2, r)}), form},
      {"three numbers", der::sequence({der::element(2, r), der::element(2, s), der::element(2, s)}),
       form},
      {"cut", Bytes(good.begin(), good.end() - 1), form},
  };
  for (const NumberCase& one : cases)
    for (const KernelVersion version : kAnchors)
      EXPECT_EQ(verify(version, key_of(p256()), one.signature, Hash::sha256), one.end) << one.name;
}

// ecdsasignature.asn1 with ecdsa_get_signature_r and _s, from the reference decoder.
Ended expected_of_form(const Bytes& signature, std::size_t most) {
  const GrammarRun run = run_grammar(Grammar::ecdsa_signature, View(signature));
  for (const GrammarCall& call : run.calls) {
    const View number = call.value;
    if (number.empty() || number.size() > most + 1 || (number.size() == most + 1 && number[0] != 0))
      return refused_by(rule::ecdsa_size);
  }
  if (run.ending != GrammarEnding::complete) return refused_by(rule::ecdsa_form);
  return kVerified;
}

TEST(EcdsaVerify, DamagedSignatures) {
  Random random(60);
  std::size_t sizes = 0, forms = 0, others = 0;
  for (const std::size_t which : {0U, 1U, 3U}) {
    const EcdsaVector& vector = kEcdsaVectors[which];
    const EcKey key = key_of(vector);
    const std::size_t most = (key.point.size() - 1) / 2;
    const Bytes good = der::sequence(
        {der::integer(der::from_hex(vector.r)), der::integer(der::from_hex(vector.s))});
    for (int round = 0; round < 700; ++round) {
      Bytes signature = round % 4 == 0 ? signature_of(Bytes(most + 1, 7), {5}) : good;
      for (std::size_t changes = 1 + random() % 3; changes > 0; --changes)
        signature = mutate_ber(signature, random);
      const Ended expected = expected_of_form(signature, most);
      const Ended found = verify(kAnchor72, key, signature, *find_hash(vector.hash));
      if (expected == kVerified) {
        ++others;
        EXPECT_TRUE(found.rule != &rule::ecdsa_form && found.rule != &rule::ecdsa_size)
            << to_hex(signature);
      } else {
        EXPECT_EQ(found, expected) << to_hex(signature);
        ++(expected.rule == &rule::ecdsa_form ? forms : sizes);
      }
    }
  }
  EXPECT_GT(sizes, 40U);
  EXPECT_GT(forms, 200U);
  EXPECT_GT(others, 100U);
}

// ecdsa_set_pub_key: 6.1 takes whole 64-bit digits and passes over one byte more.
TEST(EcdsaVerify, FormsOfTheKey) {
  const EcdsaVector& vector = p256();
  const Bytes x = der::from_hex(vector.x);
  const Bytes y = der::from_hex(vector.y);
  const Bytes signature =
      der::sequence({der::integer(der::from_hex(vector.r)), der::integer(der::from_hex(vector.s))});
  Bytes off_curve = y;
  off_curve.back() = static_cast<std::uint8_t>(off_curve.back() ^ 1);
  struct Case {
    std::string_view name;
    Bytes point;
    bool in_61;
    bool since_612;
  };
  const Case cases[] = {
      {"good", der::join({{4}, x, y}), true, true},
      {"one byte more", der::join({{4}, x, y, {9}}), true, false},
      {"two bytes more", der::join({{4}, x, y, {9, 9}}), false, false},
      {"one byte less", der::join({{4}, x, Bytes(y.begin(), y.end() - 1)}), false, false},
      {"compressed", der::join({{2}, x}), false, false},
      {"hybrid", der::join({{6}, x, y}), false, false},
      {"without 04", der::join({x, y}), false, false},
      {"empty", {}, false, false},
      {"04 alone", {4}, false, false},
      {"off the curve", der::join({{4}, x, off_curve}), false, false},
      {"zeros", der::join({{4}, Bytes(64, 0)}), false, false},
      {"ones", der::join({{4}, Bytes(64, 0xFF)}), false, false},
      {"coordinates of 40 bytes", der::join({{4}, Bytes(8, 0), x, Bytes(8, 0), y}), false, false},
  };
  for (const Case& one : cases) {
    EcKey key = key_of(vector);
    key.point = one.point;
    const Ended bad = refused_by(rule::ec_key);
    EXPECT_EQ(verify(kAnchor61, key, signature, Hash::sha256), one.in_61 ? kVerified : bad)
        << one.name;
    EXPECT_EQ(verify(kAnchor612, key, signature, Hash::sha256), one.since_612 ? kVerified : bad)
        << one.name;
    EXPECT_EQ(verify(kAnchor72, key, signature, Hash::sha256), one.since_612 ? kVerified : bad)
        << one.name;
  }
}

// A point of P-256 whose coordinates fit into 31 bytes each.
TEST(EcdsaVerify, ShortCoordinatesSince612) {
  const Bytes x{60};
  const Bytes y = der::from_hex("732d1e92b60907d7efab40def9181cd32f7348a1840c161a286911b17c3edb");
  const Bytes signature = signature_of({1}, {1});
  for (const std::size_t size : {31U, 32U}) {
    EcKey key = key_of(p256());
    key.point = der::join({{4}, Bytes(size - 1, 0), x, Bytes(size - 31, 0), y});
    EXPECT_EQ(verify(kAnchor61, key, signature, Hash::sha256),
              refused_by(size == 31 ? rule::ec_key : rule::ecdsa_equation));
    EXPECT_EQ(verify(kAnchor612, key, signature, Hash::sha256), refused_by(rule::ecdsa_equation));
    EXPECT_EQ(verify(kAnchor72, key, signature, Hash::sha256), refused_by(rule::ecdsa_equation));
  }
  // P-521 has coordinates of 66 bytes in nine digits: 65 to 72 bytes are the same number.
  const EcdsaVector& p521 = kEcdsaVectors[4];
  const Bytes good =
      der::sequence({der::integer(der::from_hex(p521.r)), der::integer(der::from_hex(p521.s))});
  EcKey key = key_of(p521);
  key.point =
      der::join({{4}, Bytes(6, 0), der::from_hex(p521.x), Bytes(6, 0), der::from_hex(p521.y)});
  EXPECT_EQ(verify(kAnchor612, key, good, Hash::sha512), kVerified);
  EXPECT_EQ(verify(kAnchor72, key, good, Hash::sha512), kVerified);
  key.point =
      der::join({{4}, Bytes(7, 0), der::from_hex(p521.x), Bytes(7, 0), der::from_hex(p521.y)});
  EXPECT_EQ(verify(kAnchor72, key, good, Hash::sha512), refused_by(rule::ec_key));
}

TEST(EcdsaVerify, DigestsItTakes) {
  const Bytes signature = signature_of({1}, {1});
  struct Case {
    Hash hash;
    bool in_61;
    bool since_612;
  };
  const Case cases[] = {
      {Hash::md4, false, false},         {Hash::md5, false, false},
      {Hash::sha1, true, true},          {Hash::rmd160, false, false},
      {Hash::sha224, true, true},        {Hash::sha256, true, true},
      {Hash::sha384, true, true},        {Hash::sha512, true, true},
      {Hash::sha3_256, false, true},     {Hash::sha3_384, false, true},
      {Hash::sha3_512, false, true},     {Hash::sm3, false, false},
      {Hash::streebog256, false, false}, {Hash::streebog512, false, false},
  };
  static_assert(std::size(cases) == kHashCount);
  for (const Case& one : cases) {
    const auto expected = [&](bool takes) {
      return refused_by(takes ? rule::ecdsa_equation : rule::ecdsa_hash);
    };
    EXPECT_EQ(verify(kAnchor61, key_of(p256()), signature, one.hash), expected(one.in_61));
    EXPECT_EQ(verify(kAnchor612, key_of(p256()), signature, one.hash), expected(one.since_612));
    EXPECT_EQ(verify(kAnchor72, key_of(p256()), signature, one.hash), expected(one.since_612));
  }
}

TEST(EcdsaVerify, KernelsWithoutEcdsa) {
  KernelCrypto crypto;
  crypto.ecdsa = Truth::no;
  for (const KernelVersion version : kAnchors)
    EXPECT_EQ(
        verify(version, key_of(p256()), signature_of({1}, {1}), Hash::sha256, "sample", crypto),
        refused_by(rule::available));
}

// A signature must be of the key's kind; "ecdsa" is that of every NIST curve.
TEST(PublicKeyVerify, KindsOfKeysAndSignatures) {
  constexpr KeyKind kKinds[] = {KeyKind::rsa,        KeyKind::ecdsa_p192, KeyKind::ecdsa_p256,
                                KeyKind::ecdsa_p384, KeyKind::ecdsa_p521, KeyKind::ecrdsa,
                                KeyKind::sm2,        KeyKind::ml_dsa_44,  KeyKind::ml_dsa_65,
                                KeyKind::ml_dsa_87};
  constexpr KeyKind kSignatureKinds[] = {KeyKind::rsa,      KeyKind::ecdsa,     KeyKind::ecrdsa,
                                         KeyKind::sm2,      KeyKind::ml_dsa_44, KeyKind::ml_dsa_65,
                                         KeyKind::ml_dsa_87};
  for (const KeyKind key_kind : kKinds)
    for (const KeyKind signature_kind : kSignatureKinds) {
      const PreparedKey prepared{Certificate()};
      PrimitiveCache cache;
      Walk walk = walk_of(kAnchor72);
      const SignatureValue value{signature_kind, Hash::sha512, std::nullopt, {}};
      const Ended end = ended(walk, verify_public_key(walk, key_kind, prepared, value, {}, cache));
      const bool same = key_kind == signature_kind ||
                        (signature_kind == KeyKind::ecdsa && curve_of(key_kind).has_value());
      EXPECT_EQ(end == refused_by(rule::same_kind), !same)
          << key_kind_name(key_kind) << " " << key_kind_name(signature_kind);
    }
}

// software_key_determine_akcipher names the digests of each; 6.12 and 7.2 do not know SM2 any more.
TEST(PublicKeyVerify, DigestsOfEcrdsaAndSm2) {
  for (const KernelVersion version : {kAnchor61, kAnchor612, kAnchor72})
    for (std::size_t i = 0; i < kHashCount; ++i) {
      const auto hash = static_cast<Hash>(i);
      const PreparedKey prepared{Certificate()};
      const auto end_of = [&](KeyKind kind) {
        PrimitiveCache cache;
        Walk walk({version, Variant::debian, Arch::x86_64},
                  {{fmt::format("libcrypto: {}", key_kind_name(kind)), false}}, true);
        const SignatureValue value{kind, hash, std::nullopt, {}};
        return ended(walk, verify_public_key(walk, kind, prepared, value, {}, cache));
      };
      const bool streebog = hash == Hash::streebog256 || hash == Hash::streebog512;
      EXPECT_EQ(end_of(KeyKind::ecrdsa),
                refused_by(streebog ? rule::available : rule::ecrdsa_hash));
      const bool sm3 = hash == Hash::sm3 || version != kAnchor61;
      EXPECT_EQ(end_of(KeyKind::sm2), refused_by(sm3 ? rule::available : rule::sm2_hash));
    }
}

struct MlDsaCase {
  std::string_view name;
  KeyKind kind;
  std::size_t key_size;
  std::size_t signature_size;
  std::optional<Hash> hash;
  Ended end;
};

TEST(MlDsaVerify, HashesAndSizes) {
  const Ended key_size = refused_by(rule::ml_dsa_key_size);
  const Ended signature_size = refused_by(rule::ml_dsa_signature_size);
  const Ended hash = refused_by(rule::ml_dsa_hash);
  const Ended equation = refused_by(rule::ml_dsa_equation);
  // FIPS 204, table 2.
  const MlDsaCase cases[] = {
      {"44", KeyKind::ml_dsa_44, 1312, 2420, std::nullopt, equation},
      {"65", KeyKind::ml_dsa_65, 1952, 3309, std::nullopt, equation},
      {"87", KeyKind::ml_dsa_87, 2592, 4627, std::nullopt, equation},
      {"attributes with SHA-512", KeyKind::ml_dsa_44, 1312, 2420, Hash::sha512, equation},
      {"attributes with SHA-256", KeyKind::ml_dsa_44, 1312, 2420, Hash::sha256, hash},
      {"key of 65", KeyKind::ml_dsa_44, 1952, 2420, std::nullopt, key_size},
      {"key one byte short", KeyKind::ml_dsa_65, 1951, 3309, std::nullopt, key_size},
      {"signature of 87", KeyKind::ml_dsa_65, 1952, 4627, std::nullopt, signature_size},
      {"signature one byte long", KeyKind::ml_dsa_87, 2592, 4628, std::nullopt, signature_size},
      {"no signature", KeyKind::ml_dsa_87, 2592, 0, std::nullopt, signature_size},
  };
  for (const MlDsaCase& one : cases) {
    const Bytes key(one.key_size, 1);
    const Bytes signature(one.signature_size, 2);
    Certificate certificate;
    certificate.key = View(key);
    const PreparedKey prepared(certificate);
    PrimitiveCache cache;
    Walk walk({kAnchor72, Variant::debian, Arch::x86_64}, {{"libcrypto: ML-DSA", false}}, true);
    const SignatureValue value{one.kind, one.hash, std::nullopt, View(signature)};
    EXPECT_EQ(ended(walk, verify_public_key(walk, one.kind, prepared, value, {}, cache)), one.end)
        << one.name;
  }
}

}  // namespace
}  // namespace assay
