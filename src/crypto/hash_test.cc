#include "crypto/hash.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

#include "base/hex.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kTwoBlocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

struct Vector {
  std::string_view hash;
  std::string_view message;
  std::string_view digest;
};

// RFC 1321, FIPS 180-4 and 202 (NIST's example values), the RIPEMD-160 paper, GB/T 32905-2016.
constexpr Vector kVectors[] = {
    {"md5", "", "d41d8cd98f00b204e9800998ecf8427e"},
    {"md5", "abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"sha1", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {"sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"sha1", kTwoBlocks, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {"rmd160", "", "9c1185a5c5e9fc54612808977ee8f548b2258d31"},
    {"rmd160", "abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"},
    {"rmd160", kTwoBlocks, "12a053384a9c0c88e405a06c27dcf49ada62eb2b"},
    {"sha224", "", "d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"},
    {"sha224", "abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {"sha224", kTwoBlocks, "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525"},
    {"sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"sha256", kTwoBlocks, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"sha384", "",
     "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b"
     "95b"},
    {"sha384", "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c82"
     "5a7"},
    {"sha512", "",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877ee"
     "c2f6"
     "3b931bd47417a81a538327af927da3e"},
    {"sha512", "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "bbd4"
     "54d4423643ce80e2a9ac94fa54ca49f"},
    {"sha3-256", "", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"},
    {"sha3-256", "abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    {"sha3-256", kTwoBlocks, "41c0dba2a9d6240849100376a8235e2c82e1b9998a999e21db32dd97496d3376"},
    {"sha3-384", "",
     "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f"
     "004"},
    {"sha3-384", "abc",
     "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376"
     "d25"},
    {"sha3-512", "",
     "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac"
     "558f"
     "500199d95b6d3e301758586281dcd26"},
    {"sha3-512", "abc",
     "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e39"
     "3405"
     "7340b4cf408d5a56592f8274eec53f0"},
    {"sm3", "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
};

TEST(Hash, KnownAnswers) {
  std::set<Hash> covered;
  for (const Vector& vector : kVectors) {
    const auto hash = find_hash(vector.hash);
    ASSERT_TRUE(hash) << vector.hash;
    const auto digest = compute_digest(*hash, bytes_of(vector.message));
    ASSERT_TRUE(digest) << vector.hash;
    EXPECT_EQ(digest->hex(), vector.digest) << vector.hash;
    EXPECT_EQ(digest->size(), digest_size(*hash));
    EXPECT_EQ(digest->hash(), *hash);
    covered.insert(*hash);
  }
  for (std::size_t i = 0; i < kHashCount; ++i)
    EXPECT_EQ(covered.contains(static_cast<Hash>(i)), hash_available(static_cast<Hash>(i)))
        << hash_name(static_cast<Hash>(i));
}

TEST(Hash, NamesRoundTrip) {
  for (std::size_t i = 0; i < kHashCount; ++i) {
    const auto hash = static_cast<Hash>(i);
    EXPECT_EQ(find_hash(hash_name(hash)), hash);
    EXPECT_LE(digest_size(hash), kMaxDigestSize);
  }
  EXPECT_FALSE(find_hash("SHA256"));
  EXPECT_FALSE(find_hash("sha512-256"));
  EXPECT_FALSE(find_hash(""));
}

TEST(Hash, WhatLibcryptoLacksIsAnError) {
  for (const Hash hash : {Hash::streebog256, Hash::streebog512}) {
    EXPECT_FALSE(hash_available(hash));
    EXPECT_EQ(compute_digest(hash, {}).error().reason, Reason::crypto_unavailable);
    EXPECT_EQ(Hasher::make(hash).error().reason, Reason::crypto_unavailable);
  }
}

TEST(Hasher, PiecewiseIsWhole) {
  EXPECT_TRUE(rc::check([](const Bytes& bytes, const std::vector<std::uint8_t>& cuts) {
    for (const Hash hash : {Hash::sha1, Hash::sha256, Hash::sha512, Hash::sha3_256}) {
      auto hasher = Hasher::make(hash);
      RC_ASSERT(hasher.has_value());
      std::span<const std::uint8_t> rest(bytes);
      for (const std::uint8_t cut : cuts) {
        const std::size_t size = std::min<std::size_t>(cut, rest.size());
        hasher->update(rest.first(size));
        rest = rest.subspan(size);
      }
      RC_ASSERT(std::move(*hasher->fork()).finish() ==
                *compute_digest(hash, std::span(bytes).first(bytes.size() - rest.size())));
      hasher->update(rest);
      RC_ASSERT(std::move(*hasher).finish() == *compute_digest(hash, bytes));
    }
  }));
}

// A content that is not in memory is read in pieces.
class Unmapped final : public Content {
 public:
  explicit Unmapped(const Bytes& bytes) : inner_(View(bytes)) {}
  std::uint64_t size() const override { return inner_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    return inner_.read(offset, out);
  }

 private:
  ViewContent inner_;
};

TEST(ComputeDigest, OfAnyPartOfAnyContent) {
  Bytes bytes(600000);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 7 + (i >> 9));
  struct Case {
    std::uint64_t offset;
    std::uint64_t size;
  };
  const Case cases[] = {{0, 600000}, {0, 0}, {600000, 0}, {1, 262144}, {77, 262145}, {3, 524288}};
  for (const Case& one : cases) {
    const auto part = std::span(bytes).subspan(one.offset, one.size);
    const auto expected = compute_digest(Hash::sha256, part);
    EXPECT_EQ(*compute_digest(Hash::sha256, ViewContent(View(bytes)), one.offset, one.size),
              *expected);
    EXPECT_EQ(*compute_digest(Hash::sha256, Unmapped(bytes), one.offset, one.size), *expected);
  }
  EXPECT_EQ(compute_digest(Hash::sha256, Unmapped(bytes), 1, 600000).error().reason,
            Reason::bad_length);
  EXPECT_EQ(compute_digest(Hash::sha256, ViewContent(View(bytes)), 1, 600000).error().reason,
            Reason::bad_length);
}

TEST(Digest, OfAnotherHashIsAnother) {
  const Bytes bytes(32, 1);
  EXPECT_EQ(Digest(Hash::sha256, bytes), Digest(Hash::sha256, bytes));
  EXPECT_NE(Digest(Hash::sha256, bytes), Digest(Hash::sm3, bytes));
  EXPECT_EQ(Digest().size(), 0U);
}

}  // namespace
}  // namespace assay
