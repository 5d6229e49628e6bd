#include "signatures/walk.h"

#include <gtest/gtest.h>

#include "signatures/explore.h"

namespace assay {
namespace {

constexpr Rule kFirst{"test/first", "f", "first", "not first", Errno::einval, Standing::bad};
constexpr Rule kSecond{"test/second", "f", "second", "not second", Errno::ebadmsg, Standing::bad};
constexpr Rule kNewer{"test/newer",
                      "f",
                      "newer",
                      "not newer",
                      Errno::enopkg,
                      Standing::bad,
                      Scope::since(kAnchor612)};
constexpr Rule kOlder{
    "test/older", "f", "older", "not older", Errno::enokey, Standing::bad, Scope::until(kAnchor61)};
constexpr Rule kLogs{"test/logs",  "f",           "logs", "no logs",
                     Errno::eperm, Standing::bad, {},     "a line"};

constexpr KernelId kKernel{kAnchor72, Variant::debian, Arch::x86_64};
constexpr KernelId kBetween{{6, 6}, Variant::debian, Arch::x86_64};

TEST(Walk, RecordsWhatFailsAndWhatHoldsWhenItExplains) {
  for (const bool explain : {false, true}) {
    Walk walk(kKernel, {}, explain);
    EXPECT_FALSE(walk.check(kFirst, true, {1, 2}, [] { return std::string("good"); }).failed());
    const Outcome bad = walk.check(kSecond, false, {3, 4}, [] { return std::string("bad"); });
    EXPECT_EQ(bad.err, Errno::ebadmsg);
    ASSERT_EQ(walk.steps().size(), explain ? 2U : 1U);
    const Step& step = walk.steps()[static_cast<std::size_t>(bad.step)];
    EXPECT_EQ(step.rule, &kSecond);
    EXPECT_EQ(step.finding, Finding::fails);
    EXPECT_EQ(step.err, Errno::ebadmsg);
    EXPECT_EQ(step.where, (Extent{3, 4}));
    EXPECT_EQ(step.because, "bad");
    if (explain) {
      EXPECT_EQ(walk.steps()[0].finding, Finding::holds);
      EXPECT_EQ(walk.steps()[0].because, "good");
      EXPECT_EQ(walk.steps()[0].err, Errno::none);
    }
  }
}

TEST(Walk, LogsOnlyWhereARuleFails) {
  Walk walk(kKernel, {}, true);
  EXPECT_FALSE(walk.check(kLogs, true).failed());
  EXPECT_TRUE(walk.check(kLogs, false).failed());
  EXPECT_TRUE(walk.refuse(kLogs, {}, {}, "another line").failed());
  EXPECT_EQ(walk.steps()[0].log, "");
  EXPECT_EQ(walk.steps()[1].log, "a line");
  EXPECT_EQ(walk.steps()[2].log, "another line");
}

TEST(Walk, WhatIsOpenIsCalledOpen) {
  Walk walk(kKernel, {}, true);
  EXPECT_FALSE(
      walk.check(kFirst, Truth::unknown, "state.x", [] { return std::string("values"); }).failed());
  ASSERT_EQ(walk.steps().size(), 1U);
  EXPECT_EQ(walk.steps()[0].finding, Finding::open);
  EXPECT_EQ(walk.steps()[0].because, "state.x");
  EXPECT_FALSE(walk.check(kFirst, Truth::yes, "state.x", [] { return std::string(); }).failed());
  EXPECT_EQ(walk.steps()[1].finding, Finding::holds);
}

TEST(Walk, AFailureKnowsWhatItPassesOn) {
  Walk walk(kKernel, {}, true);
  const Outcome inner = walk.check(kFirst, false);
  EXPECT_FALSE(walk.check(kLogs, true).failed());
  const Outcome outer = walk.because_of(walk.check(kSecond, false), inner);
  const auto chain = causes_of(walk.steps(), outer.step);
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0]->rule, &kSecond);
  EXPECT_EQ(chain[1]->rule, &kFirst);
}

TEST(Walk, LogLinesAreFilledIn) {
  constexpr Rule kValues{"test/values", "f",           "values", "no values",
                         Errno::eperm,  Standing::bad, {},       "Sig %u: size (%u) of %s"};
  EXPECT_EQ(fill_log(kValues, {"1", "2", "three"}), "Sig 1: size (2) of three");
}

TEST(Walk, RulesOfOtherKernelsDoNotApply) {
  Walk old({kAnchor61, Variant::debian, Arch::x86_64}, {}, true);
  EXPECT_FALSE(old.check(kNewer, false).failed());
  EXPECT_TRUE(old.check(kOlder, false).failed());
  Walk now(kKernel, {}, true);
  EXPECT_TRUE(now.check(kNewer, false).failed());
  EXPECT_FALSE(now.check(kOlder, false).failed());
  EXPECT_TRUE(old.choices().empty());
  EXPECT_TRUE(now.choices().empty());
}

// Between two anchors a kernel is taken for the later one in all that differs, or for the earlier
// one.
TEST(Walk, BetweenAnchorsRulesChangeTogether) {
  for (const bool later : {true, false}) {
    Walk walk(kBetween, {{"kernel.version", later}}, true);
    EXPECT_EQ(walk.check(kNewer, false).failed(), later);
    EXPECT_EQ(walk.check(kOlder, false).failed(), !later);
    EXPECT_EQ(walk.choices().size(), 1U);
  }
}

TEST(Walk, KeepsItsAnswersAndAddsThoseItNeeds) {
  Walk walk(kKernel, {{"a", false}}, false);
  EXPECT_FALSE(walk.settle(Truth::unknown, "a"));
  EXPECT_TRUE(walk.settle(Truth::unknown, "b"));
  EXPECT_TRUE(walk.settle(Truth::yes, "c"));
  EXPECT_FALSE(walk.settle(Truth::no, "d"));
  EXPECT_TRUE(walk.check(kFirst, Truth::unknown, "a", [] { return std::string(); }).failed());
  EXPECT_FALSE(walk.check(kFirst, Truth::unknown, "b", [] { return std::string(); }).failed());
  ASSERT_EQ(walk.choices().size(), 2U);
  EXPECT_EQ(walk.choices()[1].key, "b");
}

// An experiment: what is asked, and what comes out.
using Run = int (*)(Walk&);

struct ExploreCase {
  std::string_view name;
  Run run;
  int first;
  std::vector<std::string> open;
};

bool ask(Walk& walk, std::string_view question) { return walk.settle(Truth::unknown, question); }

TEST(Explore, NamesTheQuestionsThatMatter) {
  const ExploreCase cases[] = {
      {"nothing asked", [](Walk&) { return 1; }, 1, {}},
      {"asked in vain", [](Walk& walk) { return ask(walk, "a") ? 1 : 1; }, 1, {}},
      {"asked for a reason", [](Walk& walk) { return ask(walk, "a") ? 1 : 2; }, 1, {"a"}},
      {"the same question twice",
       [](Walk& walk) { return ask(walk, "a") && ask(walk, "a") ? 1 : 2; },
       1,
       {"a"}},
      {"only the first matters",
       [](Walk& walk) {
         const bool a = ask(walk, "a");
         ask(walk, "b");
         return a ? 1 : 2;
       },
       1,
       {"a"}},
      {"only the second matters",
       [](Walk& walk) {
         ask(walk, "a");
         return ask(walk, "b") ? 1 : 2;
       },
       1,
       {"b"}},
      {"both matter",
       [](Walk& walk) {
         const bool a = ask(walk, "a");
         const bool b = ask(walk, "b");
         return a && b ? 1 : 2;
       },
       1,
       {"a", "b"}},
      {"one that is asked only after a no",
       [](Walk& walk) { return ask(walk, "a") || ask(walk, "b") ? 1 : 2; },
       1,
       {"b"}},
      {"one that is asked only after a yes",
       [](Walk& walk) { return ask(walk, "a") && ask(walk, "b") ? 1 : 2; },
       1,
       {"a", "b"}},
      {"three in a row",
       [](Walk& walk) {
         return ask(walk, "a") ? (ask(walk, "b") ? (ask(walk, "c") ? 1 : 2) : 1) : 1;
       },
       1,
       {"c"}},
      {"rules between anchors",
       [](Walk& walk) {
         const bool newer = walk.check(kNewer, false).failed();
         const bool older = walk.check(kOlder, false).failed();
         return newer != older ? 1 : 2;
       },
       1,
       {}},
  };
  for (const ExploreCase& one : cases) {
    const auto explored = explore(kBetween, false, one.run, std::equal_to<>());
    EXPECT_EQ(explored.first, one.first) << one.name;
    EXPECT_EQ(explored.open, one.open) << one.name;
  }
}

TEST(Explore, KnowsNothingOfKernelsBeforeTheFirstAnchor) {
  const auto open_of = [](KernelVersion version) {
    return explore(
               {version, Variant::mainline, Arch::x86_64}, false, [](Walk&) { return 1; },
               std::equal_to<>())
        .open;
  };
  EXPECT_EQ(open_of({6, 0}), std::vector<std::string>{"kernel.version"});
  EXPECT_EQ(open_of({2, 6}), std::vector<std::string>{"kernel.version"});
  for (const KernelVersion version : {kAnchor61, KernelVersion{6, 5}, kAnchor72, {9, 0}})
    EXPECT_TRUE(open_of(version).empty()) << to_string(version);
}

TEST(Explore, KeepsTheFirstWalk) {
  const auto explored = explore(
      kKernel, true,
      [](Walk& walk) { return walk.check(ask(walk, "a") ? kFirst : kSecond, false).err; },
      std::equal_to<>());
  EXPECT_EQ(explored.first, Errno::einval);
  ASSERT_EQ(explored.walk.steps().size(), 1U);
  EXPECT_EQ(explored.walk.steps()[0].rule, &kFirst);
}

TEST(Explore, GivesUpAndNamesTheFirstQuestion) {
  int ways = 0;
  const auto explored = explore(
      kKernel, false,
      [&](Walk& walk) {
        ++ways;
        for (int i = 0; i < 12; ++i) ask(walk, "question " + std::to_string(i));
        return 0;
      },
      std::equal_to<>());
  EXPECT_EQ(ways, kMostWays);
  EXPECT_EQ(explored.open, std::vector<std::string>{"question 0"});
}

}  // namespace
}  // namespace assay
