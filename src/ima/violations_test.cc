// Sequences of LTP's ima_violations.sh, and laws over random ones.

#include "ima/violations.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace assay {
namespace {

constexpr ImaAccess kRead{true, false, true};   // a rule measures what root reads
constexpr ImaAccess kPeek{true, false, false};  // of somebody whom no rule measures
constexpr ImaAccess kWrite{false, true, false};
constexpr ImaAccess kBoth{true, true, true};

// Of "r" and "w" that open, "R" and "W" that close, "p" and "P" of one whom no rule measures, "b"
// and "B" for both, "m" that maps what is open for reading: the violations, "t" and "o".
std::string violations(KernelVersion version, std::string_view events) {
  auto file = ImaOpenFile::make(version);
  std::string told;
  const auto note = [&](std::optional<ImaViolation> violation) {
    if (violation) told += *violation == ImaViolation::tomtou ? 't' : 'o';
  };
  for (const char event : events) switch (event) {
      case 'r': note(file->open(kRead)); break;
      case 'p': note(file->open(kPeek)); break;
      case 'w': note(file->open(kWrite)); break;
      case 'b': note(file->open(kBoth)); break;
      case 'm': note(file->map(kRead)); break;
      case 'R': file->close(kRead); break;
      case 'P': file->close(kPeek); break;
      case 'W': file->close(kWrite); break;
      case 'B': file->close(kBoth); break;
      case 'f': file->forget(); break;
      default: ADD_FAILURE() << event;
    }
  return told;
}

TEST(ImaViolations, AsInLtp) {
  const struct {
    const char* name;
    const char* events;
    const char* since_612;
    const char* in_61;
  } cases[] = {
      {"verify open writers violation", "wrRW", "o", "o"},
      {"verify ToMToU violation", "rwWR", "t", "t"},
      {"verify open_writers using mmapped files", "wrmRW", "o", "oo"},
      {"verify limiting single open writer violation", "wrRrRW", "o", "oo"},
      {"verify limiting multiple open writers violations", "wrRwrRWrRW", "o", "ooo"},
      {"verify new open writer causes additional violation", "wrRWwrRW", "oo", "oo"},
      {"verify limiting single open reader ToMToU violations", "rwWwWR", "t", "tt"},
      {"verify new open reader causes additional ToMToU violation", "rwWRrwWR", "tt", "tt"},
  };
  for (const auto& [name, events, since_612, in_61] : cases) {
    EXPECT_EQ(violations(kAnchor61, events), in_61) << name;
    EXPECT_EQ(violations(kAnchor612, events), since_612) << name;
    EXPECT_EQ(violations(kAnchor72, events), since_612) << name;
  }
}

TEST(ImaViolations, WhatIsNone) {
  for (const KernelVersion version : kAnchors) {
    EXPECT_EQ(violations(version, "rRwWrR"), "") << "one after the other";
    EXPECT_EQ(violations(version, "pwWP"), "") << "nobody measured";
    EXPECT_EQ(violations(version, "wpPW"), "");
    EXPECT_EQ(violations(version, "bbBB"), "") << "who writes too is no reader";
    EXPECT_EQ(violations(version, "rRpwWP"), "t") << "who measured is gone, a reader is there";
    EXPECT_EQ(violations(version, "rRfpwWP"), "") << "and the kernel has forgotten";
    EXPECT_EQ(violations(version, "rbBR"), "t") << "a writer that reads";
    EXPECT_EQ(violations(version, "brRB"), "o");
  }
}

TEST(ImaViolations, AreNotKnownBetweenAnchorsThatDiffer) {
  EXPECT_FALSE(ImaOpenFile::make({5, 10}));
  EXPECT_FALSE(ImaOpenFile::make({6, 6}));
  EXPECT_TRUE(ImaOpenFile::make({6, 18}));
  EXPECT_FALSE(ImaOpenFile::make({7, 3}));
}

// Laws: the kernels tell of the same files, 6.1 at least as often; the first of each kind comes at
// the same event; later kernels tell of open_writers once between two times without writers, and of
// ToMToU no more often than somebody measured.
TEST(ImaViolations, LawsOverRandomSequences) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    auto old = *ImaOpenFile::make(kAnchor61);
    auto now = *ImaOpenFile::make(kAnchor72);
    std::vector<ImaAccess> open;
    int measured = 0;
    int tomtous = 0;
    int writers = 0;
    int told_since_writers = 0;
    bool old_told[2] = {false, false};
    bool now_told[2] = {false, false};
    for (int step = 0; step < 40; ++step) {
      if (!open.empty() && random() % 2 == 0) {
        const std::size_t at = random() % open.size();
        writers -= open[at].writes ? 1 : 0;
        if (writers == 0) told_since_writers = 0;
        old.close(open[at]);
        now.close(open[at]);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
        continue;
      }
      constexpr ImaAccess kAll[] = {kRead, kPeek, kWrite, kBoth};
      const ImaAccess access = kAll[random() % 4];
      open.push_back(access);
      writers += access.writes ? 1 : 0;
      measured += !access.writes && access.is_measured ? 1 : 0;
      const auto by_old = old.open(access);
      const auto by_now = now.open(access);
      if (by_old) old_told[static_cast<int>(*by_old)] = true;
      if (by_now) {
        now_told[static_cast<int>(*by_now)] = true;
        EXPECT_EQ(by_old, by_now);
        tomtous += *by_now == ImaViolation::tomtou ? 1 : 0;
        told_since_writers += *by_now == ImaViolation::open_writers ? 1 : 0;
        EXPECT_LE(tomtous, measured);
        EXPECT_LE(told_since_writers, 1);
      }
      for (const int kind : {0, 1}) ASSERT_EQ(old_told[kind], now_told[kind]);
    }
  }
}

}  // namespace
}  // namespace assay
