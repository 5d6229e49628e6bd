#include "bytes/reader.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>
#include <vector>

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A law: whatever is taken, from either end and in any order, the pieces are the whole, in place.
TEST(Reader, PiecesFromBothEndsAreTheWhole) {
  EXPECT_TRUE(rc::check([](const Bytes& bytes, std::uint32_t origin, std::uint32_t seed) {
    std::mt19937 random(seed);
    Reader reader{View(bytes, origin)};
    Bytes front;
    Bytes back;
    while (!reader.empty()) {
      const std::size_t size = random() % (bytes.size() + 2);
      const bool last = random() % 2 == 0;
      const View before = reader.left();
      const auto taken = last ? reader.take_last(size) : reader.take(size);
      if (size > before.size()) {
        RC_ASSERT(!taken.has_value());
        RC_ASSERT(taken.error().reason == Reason::truncated);
        RC_ASSERT(taken.error().where == before.extent());
        RC_ASSERT(reader.left().extent() == before.extent());
        continue;
      }
      RC_ASSERT(taken.has_value());
      RC_ASSERT(taken->size() == size);
      RC_ASSERT(taken->origin() == (last ? before.extent().end() - size : before.origin()));
      if (last)
        back.insert(back.begin(), taken->bytes().begin(), taken->bytes().end());
      else
        front.insert(front.end(), taken->bytes().begin(), taken->bytes().end());
    }
    front.insert(front.end(), back.begin(), back.end());
    RC_ASSERT(front == bytes);
  }));
}

TEST(Reader, SaysWhatIsMissing) {
  const Bytes bytes{1, 2, 3};
  Reader reader{View(bytes, 10)};
  ASSERT_TRUE(reader.take(1));
  const auto missing = reader.take(3, Reason::bad_length);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, Reason::bad_length);
  EXPECT_EQ(missing.error().detail, "3 bytes needed, 2 left");
  EXPECT_EQ(missing.error().where, (Extent{11, 2}));
  EXPECT_FALSE(reader.take(~std::uint64_t{0}));
  EXPECT_FALSE(reader.take_last(~std::uint64_t{0}));
  EXPECT_EQ(reader.left().size(), 2U);
  EXPECT_EQ(reader.rest().size(), 2U);
  EXPECT_TRUE(reader.empty());
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_TRUE(reader.take(0));
  EXPECT_FALSE(reader.take(1));
}

TEST(Record, DecodesBothByteOrders) {
  const Bytes bytes{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFF};
  Reader reader{View(bytes, 100)};
  const auto record = reader.record<9>();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->u8<8>(), 0xFF);
  EXPECT_EQ(record->le16<0>(), 0x2301);
  EXPECT_EQ(record->be16<0>(), 0x0123);
  EXPECT_EQ(record->le32<0>(), 0x67452301U);
  EXPECT_EQ(record->be32<0>(), 0x01234567U);
  EXPECT_EQ(record->le64<0>(), 0xEFCDAB8967452301U);
  EXPECT_EQ(record->be64<0>(), 0x0123456789ABCDEFU);
  EXPECT_EQ(record->be64<1>(), 0x23456789ABCDEFFFU);
  EXPECT_EQ(record->extent(), (Extent{100, 9}));
  EXPECT_EQ((record->extent_of<2, 4>()), (Extent{102, 4}));
  const auto field = record->field<7, 2>();
  EXPECT_EQ(Bytes(field.begin(), field.end()), (Bytes{0xEF, 0xFF}));
}

TEST(Record, FromEitherEndOrNotAtAll) {
  const Bytes bytes{1, 2, 3, 4, 5};
  Reader reader{View(bytes)};
  EXPECT_EQ(reader.record_last<2>()->be16<0>(), 0x0405);
  EXPECT_EQ(reader.record<2>()->be16<0>(), 0x0102);
  EXPECT_FALSE(reader.record<2>());
  EXPECT_FALSE(reader.record_last<2>());
  EXPECT_EQ(reader.record<1>()->u8<0>(), 3);
}

TEST(Slice, IsExactWhateverTheNumbers) {
  EXPECT_TRUE(rc::check([](const Bytes& bytes) {
    const auto offset = *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, bytes.size() + 3),
                                        rc::gen::arbitrary<std::uint64_t>());
    const auto size = *rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, bytes.size() + 3),
                                      rc::gen::arbitrary<std::uint64_t>());
    const auto part = slice(View(bytes, 1000), offset, size);
    RC_ASSERT(part.has_value() == lies_inside(offset, size, bytes.size()));
    if (part) {
      RC_ASSERT(part->extent() == (Extent{1000 + offset, size}));
      RC_ASSERT(std::ranges::equal(part->bytes(), std::span(bytes).subspan(offset, size)));
    } else {
      RC_ASSERT(part.error().reason == Reason::bad_length);
    }
  }));
}

TEST(View, SameBytesLooksAtContentOnly) {
  const Bytes a{1, 2, 3};
  const Bytes b{0, 1, 2, 3};
  EXPECT_TRUE(same_bytes(View(a, 5), View(b).sub(1, 3)));
  EXPECT_FALSE(same_bytes(View(a), View(b)));
  EXPECT_TRUE(same_bytes(View(), View(a).sub(3, 0)));
  EXPECT_EQ(View(bytes_of("abc")).text(), "abc");
}

}  // namespace
}  // namespace assay
