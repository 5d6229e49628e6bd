#include "base/budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

namespace assay {
namespace {

using namespace std::chrono_literals;

// What a test expects to be free it takes: where that is wrong it waits until the test's time is
// over.
void expect_free(ByteBudget& budget, std::uint64_t bytes) { budget.take(bytes); }

TEST(ByteBudget, GivesWhatIsFree) {
  ByteBudget budget(100);
  const ByteBudget::Lease first = budget.take(60);
  const ByteBudget::Lease second = budget.take(40);
  expect_free(budget, 0);
}

TEST(ByteBudget, LeasesComeBackWhenTheyGo) {
  ByteBudget budget(100);
  for (int i = 0; i < 1000; ++i) const ByteBudget::Lease lease = budget.take(100);
  {
    const ByteBudget::Lease kept = budget.take(1);
    ByteBudget::Lease moved = budget.take(99);
    ByteBudget::Lease other = std::move(moved);
    moved = ByteBudget::Lease();
    other = ByteBudget::Lease();
    expect_free(budget, 99);
  }
  expect_free(budget, 100);
}

TEST(ByteBudget, WhatIsLargerThanAllHasItAlone) {
  ByteBudget budget(100);
  {
    const ByteBudget::Lease lease = budget.take(1000);
    expect_free(budget, 0);
  }
  expect_free(budget, 100);
}

TEST(ByteBudget, WaitsUntilEnoughIsFree) {
  ByteBudget budget(100);
  std::atomic<bool> got = false;
  std::thread waiter;
  {
    const ByteBudget::Lease half = budget.take(50);
    {
      const ByteBudget::Lease rest = budget.take(50);
      waiter = std::thread([&] {
        const ByteBudget::Lease lease = budget.take(80);
        got = true;
      });
      std::this_thread::sleep_for(30ms);
      EXPECT_FALSE(got);
    }
    std::this_thread::sleep_for(30ms);
    EXPECT_FALSE(got);  // 50 are not 80
  }
  waiter.join();
  EXPECT_TRUE(got);
}

TEST(ByteBudget, IsNeverExceededByManyThreads) {
  constexpr std::uint64_t kWhole = 1000;
  ByteBudget budget(kWhole);
  std::atomic<std::uint64_t> in_flight = 0;
  std::atomic<std::uint64_t> most = 0;
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 8; ++seed)
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 2000; ++i) {
        const std::uint64_t bytes = random() % 1200;
        const std::uint64_t counted = std::min(bytes, kWhole);
        ByteBudget::Lease lease = budget.take(bytes);
        const std::uint64_t now = in_flight += counted;
        std::uint64_t before = most;
        while (before < now && !most.compare_exchange_weak(before, now)) {
        }
        in_flight -= counted;
        const ByteBudget::Lease moved = std::move(lease);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, kWhole);
  EXPECT_GT(most, 0U);
  expect_free(budget, kWhole);
}

}  // namespace
}  // namespace assay
