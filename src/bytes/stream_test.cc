#include "bytes/stream.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "bytes/content.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + (i >> 8));
  return bytes;
}

// Delivers in pieces of odd sizes, and an error where one is due.
class Dripping final : public Stream {
 public:
  Dripping(const Bytes& bytes, std::size_t piece, std::size_t fails_at = ~std::size_t{0})
      : data_(View(bytes)), piece_(piece), fails_at_(fails_at) {}

  Result<std::size_t> read(std::span<std::uint8_t> out) override {
    if (delivered_ >= fails_at_) return fail(Reason::stream_corrupt);
    const std::size_t most = std::min({out.size(), piece_, fails_at_ - delivered_});
    ASSAY_TRY(const std::size_t got, data_.read(out.first(most)));
    delivered_ += got;
    return got;
  }

 private:
  ViewStream data_;
  std::size_t piece_;
  std::size_t fails_at_;
  std::size_t delivered_ = 0;
};

TEST(ViewStream, DeliversItsBytesAndThenNothing) {
  EXPECT_TRUE(rc::check([](const Bytes& bytes) {
    ViewStream stream{View(bytes)};
    Bytes got;
    for (;;) {
      Bytes piece(*rc::gen::inRange<std::size_t>(1, 10));
      const auto size = stream.read(piece);
      RC_ASSERT(size.has_value());
      if (*size == 0) break;
      got.insert(got.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size));
    }
    RC_ASSERT(got == bytes);
    Bytes more(1);
    RC_ASSERT(*stream.read(more) == 0U);
  }));
}

TEST(ReadFull, FillsUpToTheEnd) {
  const Bytes bytes = pattern(100);
  for (const std::size_t piece : {1U, 7U, 100U, 1000U}) {
    Dripping stream(bytes, piece);
    Bytes out(60);
    EXPECT_EQ(read_full(stream, out), 60U);
    EXPECT_EQ(out, Bytes(bytes.begin(), bytes.begin() + 60));
    EXPECT_EQ(read_full(stream, out), 40U);
    EXPECT_EQ(read_full(stream, out), 0U);
  }
}

TEST(ReadAll, StopsAtTheLimitExactly) {
  for (const std::size_t size : {0U, 1U, 100U, 65535U, 65536U, 65537U, 200000U}) {
    const Bytes bytes = pattern(size);
    for (const std::uint64_t limit :
         {std::uint64_t{size}, std::uint64_t{size} + 1, ~std::uint64_t{0} - 1}) {
      Dripping stream(bytes, 999);
      const auto all = read_all(stream, limit);
      ASSERT_TRUE(all) << size << " " << limit;
      EXPECT_EQ(*all, bytes);
    }
    if (size == 0) continue;
    Dripping stream(bytes, 999);
    const auto all = read_all(stream, size - 1);
    ASSERT_FALSE(all) << size;
    EXPECT_EQ(all.error().reason, Reason::limit_size);
  }
}

TEST(ReadAll, PassesErrorsOn) {
  const Bytes bytes = pattern(1000);
  Dripping stream(bytes, 100, 500);
  EXPECT_EQ(read_all(stream, 10000).error().reason, Reason::stream_corrupt);
  Dripping again(bytes, 100, 500);
  Bytes out(700);
  EXPECT_EQ(read_full(again, out).error().reason, Reason::stream_corrupt);
  Dripping third(bytes, 100, 500);
  EXPECT_EQ(skip(third, 700).error().reason, Reason::stream_corrupt);
}

TEST(Skip, SaysHowManyThereWere) {
  const Bytes bytes = pattern(100000);
  Dripping stream(bytes, 12345);
  EXPECT_EQ(skip(stream, 0), 0U);
  EXPECT_EQ(skip(stream, 70000), 70000U);
  Bytes one(1);
  ASSERT_EQ(stream.read(one), 1U);
  EXPECT_EQ(one[0], bytes[70000]);
  EXPECT_EQ(skip(stream, 70000), 29999U);
  EXPECT_EQ(skip(stream, 1), 0U);
}

TEST(ContentStream, CoversAnyPartOfItsContent) {
  const Bytes bytes = pattern(1000);
  const ViewContent content{View(bytes)};
  for (const std::uint64_t offset : {0U, 1U, 999U, 1000U, 1001U}) {
    ContentStream stream(content, offset);
    const auto all = read_all(stream, 2000);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->size(), 1000 - std::min<std::uint64_t>(offset, 1000));
    EXPECT_TRUE(std::ranges::equal(*all, std::span(bytes).last(all->size())));
  }
  ContentStream part(content, 10, 20);
  EXPECT_EQ(*read_all(part, 2000), Bytes(bytes.begin() + 10, bytes.begin() + 30));
  ContentStream beyond(content, 990, 20);
  EXPECT_EQ(read_all(beyond, 2000).error().reason, Reason::bad_length);
}

}  // namespace
}  // namespace assay
