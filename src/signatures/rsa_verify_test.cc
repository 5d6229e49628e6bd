// verify_public_key with RSA keys: the error of every rule, for each kernel.

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
const std::string_view kData = "data";

Bytes data_digest(Hash hash) { return digest_of(hash, bytes_of(kData)); }

Certificate rsa_key(const Bytes& key) {
  Certificate certificate;
  certificate.key_algo = Oid::rsa;
  certificate.key = View(key);
  return certificate;
}

Ended verify(KernelVersion version, const Bytes& key, const Bytes& signature,
             Hash hash = Hash::sha256, const KernelCrypto& crypto = {}) {
  const PreparedKey prepared(rsa_key(key));
  PrimitiveCache cache;
  Walk walk = walk_of(version);
  SignatureValue value{KeyKind::rsa, hash, std::nullopt, View(signature)};
  if (const auto digest = compute_digest(hash, bytes_of(kData))) value.digest = *digest;
  return ended(walk, verify_public_key(walk, KeyKind::rsa, prepared, value, crypto, cache));
}

// A 2048-bit block signed with the private key, so that the kernel recovers it.
Bytes sign_block(const Bytes& block) {
  EXPECT_EQ(block.size(), 256U);
  return rsa_private(kGoodKey, block);
}

Bytes block_with(const Bytes& rest) { return padded_block(256 - 3 - rest.size(), rest); }

Bytes sha256_info() { return digest_info(oids::kSha256, 32); }

Bytes modulus_plus(int change) {
  Bytes number = der::from_hex(kGoodKey.modulus);
  for (std::size_t i = number.size(); i-- > 0 && change != 0;) {
    const int sum = number[i] + change;
    number[i] = static_cast<std::uint8_t>(sum);
    change = sum < 0 ? -1 : sum >> 8;
  }
  return number;
}

Bytes small_value(std::uint8_t value) { return der::join({Bytes(255, 0), Bytes{value}}); }

Bytes with_byte(Bytes bytes, std::size_t at, std::uint8_t value) {
  bytes[at] = value;
  return bytes;
}

struct BlockCase {
  std::string_view name;
  Bytes signature;
  Ended in_61;
  Ended since_612;
};

std::vector<BlockCase> block_cases() {
  const Bytes digest = data_digest(Hash::sha256);
  const Bytes rest = der::join({sha256_info(), digest});
  const Bytes good = block_with(rest);
  const Bytes sha1_rest = der::join({digest_info("1.3.14.3.2.26", 20), data_digest(Hash::sha1)});
  const Bytes whole_info = sha256_info();
  // Without the parameters' NULL.
  const Bytes bare_info =
      der::join({der::from_hex("302f300b0609608648016503040201"), der::from_hex("0420")});
  const Bytes other_digest = digest_of(Hash::sha256, bytes_of("other data"));
  const auto both = [](std::string_view name, const Bytes& block, const Ended& end) {
    return BlockCase{name, sign_block(block), end, end};
  };
  const auto raw = [](std::string_view name, const Bytes& signature, const Ended& older,
                      const Ended& newer) { return BlockCase{name, signature, older, newer}; };
  const Ended length = refused_by(rule::rsa_length);
  const Ended padding = refused_by(rule::rsa_padding);
  const Ended info = refused_by(rule::rsa_digest_info);
  const Ended rejected = refused_by(rule::rsa_digest);
  const Ended first_octet = refused_by(rule::rsa_first_octet);
  const Ended range = refused_by(rule::rsa_range);
  const Ended below = refused_by(rule::rsa_below_modulus);
  return {
      both("good", good, kVerified),
      both("first octet 1", with_byte(good, 0, 1), first_octet),
      both("block type 0", with_byte(good, 1, 0), padding),
      both("block type 2", with_byte(good, 1, 2), padding),
      both("padding broken at its start", with_byte(good, 2, 0xFE), padding),
      both("padding broken after seven", with_byte(good, 9, 0xFE), padding),
      both("padding broken after eight", with_byte(good, 10, 0xFE), padding),
      both("separator 1", with_byte(good, 256 - rest.size() - 1, 1), padding),
      both("no separator", der::join({Bytes{0, 1}, Bytes(254, 0xFF)}), padding),
      both("seven octets of padding", padded_block(7, der::join({rest, Bytes(246 - rest.size())})),
           padding),
      both("eight octets of padding, and bytes after the digest",
           padded_block(8, der::join({rest, Bytes(245 - rest.size())})), rejected),
      both("nothing after the padding", padded_block(253, {}), info),
      both("DigestInfo cut",
           padded_block(253 - 18, Bytes(whole_info.begin(), whole_info.begin() + 18)), info),
      both("DigestInfo alone", block_with(sha256_info()), rejected),
      both("DigestInfo of SHA-1", block_with(sha1_rest), info),
      both("DigestInfo without NULL", block_with(der::join({bare_info, digest})), info),
      both("digest of other data", block_with(der::join({sha256_info(), other_digest})), rejected),
      both("digest one octet short",
           block_with(der::join({sha256_info(), Bytes(digest.begin(), digest.end() - 1)})),
           rejected),
      both("digest one octet long", block_with(der::join({sha256_info(), digest, Bytes{0}})),
           rejected),
      raw("empty", {}, length, length),
      raw("255 bytes", Bytes(255, 1), length, length),
      raw("257 bytes, a zero before the good ones", der::join({Bytes{0}, sign_block(good)}), length,
          length),
      raw("300 bytes", Bytes(300, 1), length, length),
      raw("value 0", small_value(0), padding, range),
      raw("value 1", small_value(1), padding, range),
      raw("value 2", small_value(2), first_octet, first_octet),
      raw("modulus - 2", modulus_plus(-2), first_octet, first_octet),
      raw("modulus - 1", modulus_plus(-1), first_octet, range),
      raw("modulus", modulus_plus(0), below, range),
      raw("modulus + 1", modulus_plus(1), below, range),
      raw("all ones", Bytes(256, 0xFF), below, range),
      raw("of another key", rsa_sign(kOtherKey, bytes_of(kData)), first_octet, first_octet),
  };
}

TEST(RsaVerify, EveryBlock) {
  const Bytes key = rsa_public_key(kGoodKey);
  for (const BlockCase& one : block_cases()) {
    EXPECT_EQ(verify(kAnchor61, key, one.signature), one.in_61) << one.name;
    EXPECT_EQ(verify(kAnchor612, key, one.signature), one.since_612) << one.name;
    EXPECT_EQ(verify(kAnchor72, key, one.signature), one.since_612) << one.name;
  }
}

// Under another prefix every digest that has one verifies, and with its own only.
TEST(RsaVerify, EveryDigestWithItsDigestInfo) {
  struct Case {
    Hash hash;
    std::string_view oid;
  };
  const Case cases[] = {
      {Hash::md5, "1.2.840.113549.2.5"},
      {Hash::sha1, "1.3.14.3.2.26"},
      {Hash::rmd160, "1.3.36.3.2.1"},
      {Hash::sha224, "2.16.840.1.101.3.4.2.4"},
      {Hash::sha256, "2.16.840.1.101.3.4.2.1"},
      {Hash::sha384, "2.16.840.1.101.3.4.2.2"},
      {Hash::sha512, "2.16.840.1.101.3.4.2.3"},
      {Hash::sha3_256, "2.16.840.1.101.3.4.2.8"},
      {Hash::sha3_384, "2.16.840.1.101.3.4.2.9"},
      {Hash::sha3_512, "2.16.840.1.101.3.4.2.10"},
  };
  const Bytes key = rsa_public_key(kGoodKey);
  for (const Case& signed_as : cases) {
    const Bytes digest = data_digest(signed_as.hash);
    const Bytes signature =
        sign_block(block_with(der::join({digest_info(signed_as.oid, digest.size()), digest})));
    for (const Case& checked_as : cases)
      EXPECT_EQ(verify(kAnchor72, key, signature, checked_as.hash),
                signed_as.hash == checked_as.hash ? kVerified : refused_by(rule::rsa_digest_info))
          << hash_name(signed_as.hash) << " as " << hash_name(checked_as.hash);
  }
}

TEST(RsaVerify, DigestsWithoutADigestInfo) {
  const Bytes key = rsa_public_key(kGoodKey);
  const Bytes signature = rsa_sign(kGoodKey, bytes_of(kData));
  for (const Hash hash : {Hash::sm3, Hash::streebog256, Hash::streebog512, Hash::md4}) {
    EXPECT_EQ(verify(kAnchor61, key, signature, hash), refused_by(rule::available));
    EXPECT_EQ(verify(kAnchor612, key, signature, hash), refused_by(rule::rsa_hash));
    EXPECT_EQ(verify(kAnchor72, key, signature, hash), refused_by(rule::rsa_hash));
  }
}

TEST(RsaVerify, KernelsWithoutRsa) {
  KernelCrypto crypto;
  crypto.rsa = Truth::no;
  const Bytes signature = rsa_sign(kGoodKey, bytes_of(kData));
  for (const KernelVersion version : kAnchors)
    EXPECT_EQ(verify(version, rsa_public_key(kGoodKey), signature, Hash::sha256, crypto),
              refused_by(rule::available));
}

// rsa_check_key_length sees the modulus in limbs of 64 bits.
TEST(RsaVerify, SizesOfTheModulus) {
  struct Case {
    std::size_t bits;
    const Rule* rule;  // that a signature of one byte comes to
  };
  const Case cases[] = {
      {1, &rule::rsa_key_size},     {448, &rule::rsa_key_size},      {449, &rule::rsa_length},
      {512, &rule::rsa_length},     {513, &rule::rsa_key_size},      {960, &rule::rsa_key_size},
      {1023, &rule::rsa_length},    {1024, &rule::rsa_length},       {1025, &rule::rsa_key_size},
      {1536, &rule::rsa_length},    {1984, &rule::rsa_key_size},     {1985, &rule::rsa_length},
      {2000, &rule::rsa_length},    {2047, &rule::rsa_length},       {2048, &rule::rsa_length},
      {2049, &rule::rsa_key_size},  {3072, &rule::rsa_length},       {4096, &rule::rsa_length},
      {4097, &rule::rsa_key_size},  {4104, &rule::rsa_key_size},     {8192, &rule::rsa_key_size},
      {16384, &rule::rsa_key_size}, {16385, &rule::rsa_number_size},
  };
  for (const Case& one : cases) {
    Bytes modulus((one.bits + 7) / 8, 0xFF);
    modulus[0] = static_cast<std::uint8_t>(0xFF >> (7 - (one.bits + 7) % 8));
    const Bytes key = der::sequence({der::integer(modulus), der::integer(3)});
    for (const KernelVersion version : kAnchors)
      EXPECT_EQ(verify(version, key, Bytes{1}), refused_by(*one.rule)) << one.bits;
  }
}

TEST(RsaVerify, RealKeysOfOddSizes) {
  for (const RsaVector& vector : kRsaVectors) {
    const std::size_t size = vector.modulus.size() / 2;
    const std::size_t limbs = (size + 7) / 8 * 8;
    Bytes signature = rsa_sign(vector, bytes_of(kData));
    // 2000 bits are 250 bytes; the kernel wants 256, and then the padding is in the wrong place.
    const Ended expected = size == limbs ? kVerified : refused_by(rule::rsa_padding);
    if (size != limbs) {
      EXPECT_EQ(verify(kAnchor72, rsa_public_key(vector), signature), refused_by(rule::rsa_length));
      signature = der::join({Bytes(limbs - size, 0), signature});
    }
    for (const KernelVersion version : kAnchors)
      EXPECT_EQ(verify(version, rsa_public_key(vector), signature), expected) << vector.bits;
  }
}

TEST(RsaVerify, EvenModuliAndOddExponents) {
  Bytes modulus = der::from_hex(kGoodKey.modulus);
  modulus.back() = static_cast<std::uint8_t>(modulus.back() & 0xFE);
  // value^1 is the value: a block may be given as its own signature.
  const Bytes rest = der::join({sha256_info(), data_digest(Hash::sha256)});
  const Bytes block = block_with(rest);
  for (const KernelVersion version : kAnchors) {
    EXPECT_EQ(verify(version, der::sequence({der::integer(modulus), der::integer(1)}), block),
              kVerified);
    EXPECT_EQ(verify(version,
                     der::sequence({der::integer(modulus), der::integer(std::uint64_t{0})}), block),
              refused_by(rule::rsa_padding));
  }
}

// rsapubkey.asn1 with rsa_get_n and rsa_get_e, from the reference decoder.
Ended expected_of_key(const Bytes& key) {
  const GrammarRun run = run_grammar(Grammar::rsa_public_key, View(key));
  std::size_t modulus_size = 0;
  for (const GrammarCall& call : run.calls) {
    const bool is_modulus = call.action == "get_n";
    if (call.value.empty() || (!is_modulus && call.value.size() > modulus_size))
      return refused_by(rule::rsa_numbers);
    if (is_modulus) modulus_size = call.value.size();
  }
  if (run.ending != GrammarEnding::complete) return refused_by(rule::rsa_key);
  return kVerified;
}

TEST(RsaVerify, DamagedKeys) {
  const Bytes modulus = der::from_hex(kGoodKey.modulus);
  const Bytes samples[] = {
      rsa_public_key(kGoodKey),
      der::sequence({der::integer(Bytes{3, 1}), der::integer(Bytes{1, 2, 3})}),
      der::sequence({der::element(2, Bytes()), der::integer(3)}),
      der::sequence({der::integer(5), der::element(2, Bytes())}),
      der::indefinite(0x30, {der::integer(modulus), der::integer(3)}),
      {},
  };
  Random random(50);
  std::size_t numbers = 0, form = 0;
  for (const Bytes& sample : samples)
    for (int round = 0; round < 400; ++round) {
      Bytes key = sample;
      for (std::size_t changes = random() % 3; changes > 0; --changes)
        key = mutate_ber(key, random);
      const Ended expected = expected_of_key(key);
      const Ended found = verify(kAnchor72, key, Bytes{1});
      if (expected == kVerified) {
        EXPECT_TRUE(found.rule != &rule::rsa_key && found.rule != &rule::rsa_numbers)
            << to_hex(key);
      } else {
        EXPECT_EQ(found, expected) << to_hex(key);
      }
      if (expected.rule == &rule::rsa_numbers) ++numbers;
      if (expected.rule == &rule::rsa_key) ++form;
    }
  EXPECT_GT(numbers, 50U);
  EXPECT_GT(form, 50U);
}

// A certificate whose digest the kernel lacks is checked against a digest of no bytes.
TEST(RsaVerify, DigestOfNoBytes) {
  const Bytes key = rsa_public_key(kGoodKey);
  const Bytes signature = rsa_sign(kGoodKey, bytes_of(kData));
  const PreparedKey prepared(rsa_key(key));
  for (const KernelVersion version : kAnchors) {
    PrimitiveCache cache;
    Walk walk = walk_of(version);
    const SignatureValue value{KeyKind::rsa, Hash::sha256, Digest(Hash::sha256, {}),
                               View(signature)};
    EXPECT_EQ(ended(walk, verify_public_key(walk, KeyKind::rsa, prepared, value, {}, cache)),
              refused_by(rule::rsa_length));
  }
}

TEST(RsaVerify, WhatIsNotComputedIsOpen) {
  const Bytes key = rsa_public_key(kGoodKey);
  const Bytes signature = rsa_sign(kGoodKey, bytes_of(kData));
  const PreparedKey prepared(rsa_key(key));
  for (const bool answer : {true, false}) {
    PrimitiveCache cache;
    Walk walk({kAnchor72, Variant::debian, Arch::x86_64}, {{"libcrypto: sha256", answer}}, true);
    const SignatureValue value{KeyKind::rsa, Hash::sha256, std::nullopt, View(signature)};
    const Ended end =
        ended(walk, verify_public_key(walk, KeyKind::rsa, prepared, value, {}, cache));
    EXPECT_EQ(end, answer ? kVerified : refused_by(rule::rsa_digest));
  }
}

TEST(PrimitiveCache, KeepsKeysAndSignaturesApart) {
  const Bytes good = rsa_public_key(kGoodKey);
  const Bytes other = rsa_public_key(kOtherKey);
  const PreparedKey keys[] = {PreparedKey(rsa_key(good)), PreparedKey(rsa_key(other))};
  const Bytes signatures[] = {rsa_sign(kGoodKey, bytes_of(kData)),
                              rsa_sign(kOtherKey, bytes_of(kData))};
  PrimitiveCache cache;
  for (int round = 0; round < 2; ++round)
    for (std::size_t k = 0; k < 2; ++k)
      for (std::size_t s = 0; s < 2; ++s) {
        Walk walk = walk_of(kAnchor72);
        const SignatureValue value{KeyKind::rsa, Hash::sha256,
                                   *compute_digest(Hash::sha256, bytes_of(kData)),
                                   View(signatures[s])};
        EXPECT_EQ(verify_public_key(walk, KeyKind::rsa, keys[k], value, {}, cache).failed(),
                  k != s);
      }
}

}  // namespace
}  // namespace assay
