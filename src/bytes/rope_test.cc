#include "bytes/rope.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes all_of(const Content& content) {
  Bytes bytes(content.size());
  EXPECT_TRUE(content.read(0, bytes));
  return bytes;
}

// Law: a rope reads like the concatenation of its pieces, and so does every part of it.
TEST(Rope, ReadsLikeItsPiecesInARow) {
  EXPECT_TRUE(rc::check([] {
    Bytes plain;
    Rope rope;
    const int count = *rc::gen::inRange(0, 8);
    for (int i = 0; i < count; ++i) {
      const auto bytes = *rc::gen::arbitrary<Bytes>();
      const auto from = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
      const auto end = *rc::gen::inRange<std::size_t>(from, bytes.size() + 1);
      if (*rc::gen::arbitrary<bool>()) {
        plain.insert(plain.end(), bytes.begin(), bytes.end());
        rope.append(bytes);
      } else {
        plain.insert(plain.end(), bytes.begin() + static_cast<std::ptrdiff_t>(from),
                     bytes.begin() + static_cast<std::ptrdiff_t>(end));
        rope.append(std::make_shared<MemoryContent>(bytes), {from, end - from});
      }
    }
    RC_ASSERT(all_of(rope) == plain);
    const auto offset = *rc::gen::inRange<std::size_t>(0, plain.size() + 1);
    const auto size = *rc::gen::inRange<std::size_t>(0, plain.size() - offset + 1);
    const Bytes part(plain.begin() + static_cast<std::ptrdiff_t>(offset),
                     plain.begin() + static_cast<std::ptrdiff_t>(offset + size));
    RC_ASSERT(all_of(rope.sub({offset, size})) == part);
    Bytes out(size);
    RC_ASSERT(rope.read(offset, out).has_value());
    RC_ASSERT(out == part);
    if (const auto memory = rope.memory())
      RC_ASSERT(Bytes(memory->bytes().begin(), memory->bytes().end()) == plain);
    if (offset < plain.size()) {
      const auto run = rope.run(offset);
      RC_ASSERT(!run.empty());
      RC_ASSERT(
          std::equal(run.begin(), run.end(), plain.begin() + static_cast<std::ptrdiff_t>(offset)));
    }
    RC_ASSERT(*same_content(rope, ViewContent(View(plain))));
    Rope twice = rope;
    twice.append(twice);
    RC_ASSERT(twice.size() == 2 * plain.size());
    RC_ASSERT(all_of(twice.sub({plain.size(), plain.size()})) == plain);
  }));
}

TEST(Rope, OutsideIsRefused) {
  Rope rope;
  rope.append(Bytes{1, 2, 3});
  Bytes out(2);
  EXPECT_EQ(rope.read(2, out).error().reason, Reason::bad_length);
  EXPECT_EQ(rope.read(~0ULL, out).error().reason, Reason::bad_length);
}

TEST(Rope, ContentThatDiffersIsNotTheSame) {
  EXPECT_FALSE(*same_content(MemoryContent({1, 2}), MemoryContent({1, 3})));
  EXPECT_FALSE(*same_content(MemoryContent({1, 2}), MemoryContent({1, 2, 3})));
  EXPECT_TRUE(*same_content(MemoryContent({}), Rope()));
}

}  // namespace
}  // namespace assay
