#include "codec/decoder_memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <vector>

namespace assay {
namespace {

using namespace std::chrono_literals;
using Share = DecoderMemory::Share;

TEST(DecoderMemory, SharesGrowAndComeBack) {
  DecoderMemory memory(100);
  {
    Share share(memory);
    share.hold(40);
    share.hold(30);
    EXPECT_EQ(memory.used(), 40U);
    share.hold(70);
    EXPECT_EQ(memory.used(), 70U);
    Share moved = std::move(share);
    EXPECT_EQ(memory.used(), 70U);
    Share uncounted;
    uncounted.hold(1000);
    EXPECT_EQ(memory.used(), 70U);
  }
  EXPECT_EQ(memory.used(), 0U);
}

TEST(DecoderMemory, WaitsUntilEnoughIsFree) {
  DecoderMemory memory(100);
  std::atomic<bool> got = false;
  std::thread waiter;
  {
    Share share(memory);
    share.hold(60);
    waiter = std::thread([&] {
      Share other(memory);
      other.hold(50);
      got = true;
    });
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(got);
  }
  waiter.join();
  EXPECT_TRUE(got);
}

TEST(DecoderMemory, WhatIsLargerThanAllHasItAlone) {
  DecoderMemory memory(100);
  std::atomic<bool> got = false;
  std::thread waiter;
  {
    Share share(memory);
    share.hold(1000);
    waiter = std::thread([&] {
      Share other(memory);
      other.hold(1);
      got = true;
    });
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(got);
  }
  waiter.join();
  EXPECT_TRUE(got);
}

// Each thread opens decoders upon each other, up to three, each of up to 80 of 100 bytes.
TEST(DecoderMemory, WhoHoldsAndWaitsNeverWaitsForEver) {
  constexpr std::uint64_t kWhole = 100;
  constexpr std::uint64_t kLargest = 80;
  DecoderMemory memory(kWhole);
  std::atomic<std::uint64_t> most = 0;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 8; ++seed)
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int round = 0; round < 2000; ++round) {
        std::vector<Share> stack(1 + random() % 3);
        for (Share& share : stack) {
          share = Share(memory);
          share.hold(1 + random() % kLargest);
          const std::uint64_t used = memory.used();
          std::uint64_t so_far = most;
          while (so_far < used && !most.compare_exchange_weak(so_far, used)) continue;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory.used(), 0U);
  EXPECT_LE(most, kWhole + 3 * kLargest);
}

}  // namespace
}  // namespace assay
