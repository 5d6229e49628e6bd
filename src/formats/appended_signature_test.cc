#include "formats/appended_signature.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/hex.h"
#include "testing/der.h"

namespace assay {
namespace {

using der::Bytes;

constexpr std::size_t kOverhead = 40;

Bytes block(std::uint32_t sig_len, std::string_view fields = "0000020000000000") {
  Bytes bytes = der::from_hex(fields);
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::uint8_t>(sig_len >> shift));
  return bytes;
}

Bytes append_signature(const Bytes& payload, const Bytes& signature) {
  return der::join({payload, signature, block(static_cast<std::uint32_t>(signature.size())),
                    der::bytes(kSignatureMarker)});
}

SignatureTrailer trailer_of(const Bytes& file) {
  const auto trailer = read_signature_trailer(ViewContent(View(file)));
  EXPECT_TRUE(trailer);
  return *trailer;
}

Bytes part(const Bytes& file, Extent where) {
  EXPECT_TRUE(lies_inside(where.offset, where.size, file.size()));
  const auto bytes = std::span(file).subspan(where.offset, where.size);
  return {bytes.begin(), bytes.end()};
}

TEST(Trailer, PartsAreTheFile) {
  EXPECT_TRUE(rc::check([](const Bytes& payload, const Bytes& signature) {
    const Bytes file = append_signature(payload, signature);
    const SignatureTrailer trailer = trailer_of(file);
    RC_ASSERT(trailer.has_marker && trailer.block && trailer.splits);
    RC_ASSERT(trailer.file_size == payload.size() + signature.size() + kOverhead);
    RC_ASSERT(part(file, {0, trailer.payload_size}) == payload);
    RC_ASSERT(part(file, trailer.signature_extent()) == signature);
    RC_ASSERT(part(file, trailer.block_extent()) ==
              block(static_cast<std::uint32_t>(signature.size())));
    RC_ASSERT(part(file, trailer.marker_extent()) == der::bytes(kSignatureMarker));
  }));
}

// The block of the outermost signature is the one that counts.
TEST(Trailer, SignaturesNest) {
  const Bytes inner = append_signature(der::bytes("payload"), Bytes(7, 0xAA));
  const Bytes outer = append_signature(inner, Bytes(9, 0xBB));
  const SignatureTrailer trailer = trailer_of(outer);
  EXPECT_EQ(part(outer, {0, trailer.payload_size}), inner);
  EXPECT_EQ(part(outer, trailer.signature_extent()), Bytes(9, 0xBB));
}

TEST(Trailer, EveryFieldOfTheBlock) {
  const Bytes file = der::join({Bytes(0x05060708 % 1000), block(0x01020304, "1112131415161718"),
                                der::bytes(kSignatureMarker)});
  const auto read = trailer_of(file).block;
  ASSERT_TRUE(read);
  EXPECT_EQ(read->algo, 0x11);
  EXPECT_EQ(read->hash, 0x12);
  EXPECT_EQ(read->id_type, 0x13);
  EXPECT_EQ(read->signer_len, 0x14);
  EXPECT_EQ(read->key_id_len, 0x15);
  EXPECT_FALSE(read->pad_is_zero);
  EXPECT_EQ(read->sig_len, 0x01020304U);
  for (const std::string_view pad : {"010000", "000100", "000001"}) {
    const Bytes padded =
        der::join({block(0, "0000020000" + std::string(pad)), der::bytes(kSignatureMarker)});
    EXPECT_FALSE(trailer_of(padded).block->pad_is_zero) << pad;
  }
  EXPECT_TRUE(trailer_of(append_signature({}, {})).block->pad_is_zero);
}

TEST(Trailer, EveryEdgeOfSigLen) {
  constexpr std::uint32_t kSize = 100;  // of the file
  struct Case {
    std::string_view name;
    std::uint32_t sig_len;
    bool splits;
    std::uint64_t payload_size = 0;
  };
  const Case cases[] = {
      {"no signature", 0, true, 60},
      {"one byte", 1, true, 59},
      {"one byte of payload", kSize - 41, true, 1},
      {"no payload", kSize - 40, true, 0},
      {"one byte too many", kSize - 39, false},
      {"as long as the file", kSize, false},
      {"longest", 0xFFFFFFFF, false},
      {"negative, if it were signed", 0x80000000, false},
      {"little endian", 0x0A000000, false},  // 10
  };
  for (const Case& one : cases) {
    const Bytes file =
        der::join({Bytes(kSize - 40, 0x55), block(one.sig_len), der::bytes(kSignatureMarker)});
    ASSERT_EQ(file.size(), kSize);
    const SignatureTrailer trailer = trailer_of(file);
    ASSERT_TRUE(trailer.block) << one.name;
    EXPECT_EQ(trailer.block->sig_len, one.sig_len) << one.name;
    EXPECT_EQ(trailer.before_block, 60U);
    EXPECT_EQ(trailer.splits, one.splits) << one.name;
    EXPECT_EQ(trailer.payload_size, one.payload_size) << one.name;
  }
}

// All files of 0 to 60 bytes that end like a signed one.
TEST(Trailer, ShortFiles) {
  const Bytes whole = der::join({Bytes(20, 0x55), block(5), der::bytes(kSignatureMarker)});
  ASSERT_EQ(whole.size(), 60U);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Bytes file(whole.end() - static_cast<std::ptrdiff_t>(size), whole.end());
    const SignatureTrailer trailer = trailer_of(file);
    EXPECT_EQ(trailer.file_size, size);
    EXPECT_EQ(trailer.has_marker, size >= 28) << size;
    EXPECT_EQ(trailer.block.has_value(), size >= 40) << size;
    EXPECT_EQ(trailer.splits, size >= 45) << size;
  }
}

TEST(Trailer, TheMarkerIsWholeAndLast) {
  const Bytes good = append_signature(der::bytes("payload"), Bytes(7, 0xAA));
  EXPECT_TRUE(trailer_of(good).has_marker);
  for (std::size_t i = good.size() - kSignatureMarker.size(); i < good.size(); ++i)
    for (const int change : {1, 0x20, 0x80}) {
      Bytes damaged = good;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ change);
      EXPECT_FALSE(trailer_of(damaged).has_marker) << i;
    }
  for (const std::string_view after : {"\n", "x"}) {
    const SignatureTrailer trailer = trailer_of(der::join({good, der::bytes(after)}));
    EXPECT_FALSE(trailer.has_marker);
    EXPECT_FALSE(trailer.block);
    EXPECT_FALSE(trailer.splits);
  }
}

}  // namespace
}  // namespace assay
