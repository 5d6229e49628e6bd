#include "bytes/shelf.h"

#include <gtest/gtest.h>

#include <thread>

namespace assay {
namespace {

std::vector<std::uint8_t> bytes(std::size_t size, std::uint8_t fill) {
  return std::vector<std::uint8_t>(size, fill);
}

TEST(Shelf, GivesBackWhatWasPutAsideFromMemoryAndFromTheFile) {
  Shelf shelf(10, 100);
  std::vector<Shelf::Item> items;
  for (std::uint8_t i = 0; i < 5; ++i) {
    auto item = shelf.put(bytes(4, i));
    ASSERT_TRUE(item);
    items.push_back(std::move(*item));
  }
  EXPECT_EQ(shelf.in_memory(), 8);
  EXPECT_EQ(shelf.in_file(), 12);
  for (std::uint8_t i = 0; i < 5; ++i) {
    EXPECT_EQ(*shelf.get(items[i]), bytes(4, i));
    EXPECT_EQ(*shelf.get(items[i]), bytes(4, i));
  }
}

TEST(Shelf, MemoryIsFreeAgainWhenItsItemGoes) {
  Shelf shelf(10, 0);
  {
    const auto item = shelf.put(bytes(10, 1));
    ASSERT_TRUE(item);
    EXPECT_EQ(shelf.in_memory(), 10);
  }
  EXPECT_EQ(shelf.in_memory(), 0);
  EXPECT_TRUE(shelf.put(bytes(10, 2)));
}

TEST(Shelf, WhatIsClaimedLeavesNoRoom) {
  Shelf shelf(10, 100);
  auto claimed = shelf.claim(8);
  ASSERT_TRUE(claimed);
  EXPECT_FALSE(shelf.claim(3));
  const auto item = shelf.put(bytes(3, 1));
  EXPECT_EQ(shelf.in_memory(), 8);
  EXPECT_EQ(shelf.in_file(), 3);
  claimed.reset();
  EXPECT_EQ(shelf.in_memory(), 0);
  EXPECT_EQ(*shelf.get(*item), bytes(3, 1));
}

TEST(Shelf, AFullFileIsALimit) {
  Shelf shelf(0, 10);
  const auto first = shelf.put(bytes(10, 1));
  ASSERT_TRUE(first);
  const auto second = shelf.put(bytes(1, 2));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::limit_size);
  EXPECT_EQ(*shelf.get(*first), bytes(10, 1));
}

TEST(Shelf, EmptyBytesNeedNoPlace) {
  Shelf shelf(0, 0);
  const auto item = shelf.put({});
  ASSERT_TRUE(item);
  EXPECT_TRUE(shelf.get(*item)->empty());
}

TEST(Shelf, ServesThreadsAtOnce) {
  Shelf shelf(1000, 1 << 20);
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (std::uint8_t i = 0; i < 4; ++i)
    threads.emplace_back([&shelf, &good, i] {
      std::vector<Shelf::Item> items;
      for (std::size_t n = 0; n < 100; ++n) items.push_back(std::move(*shelf.put(bytes(n, i))));
      for (std::size_t n = 0; n < 100; ++n)
        if (*shelf.get(items[n]) == bytes(n, i)) ++good;
    });
  threads.clear();
  EXPECT_EQ(good, 400);
  EXPECT_EQ(shelf.in_memory(), 0);
}

}  // namespace
}  // namespace assay
