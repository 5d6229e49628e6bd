// signatures/explore.h - walks through the rules once for every way to answer what is open.
//
// When all ways end alike, the open questions did not matter. When two differ, the question they
// differ in is what the platform would have to say.

#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signatures/walk.h"

namespace assay {

// More ways than this are not walked: the result is then open, naming the first question.
inline constexpr int kMostWays = 256;

template <class T>
struct Explored {
  T first;                          // the result of the first way
  Walk walk;                        // and its walk
  std::optional<std::string> open;  // the question on which the results differ
};

// `run` walks once: T run(Walk&). `same` says whether two results are alike.
template <class Run, class Same>
auto explore(const KernelId& kernel, bool explain, Run run, Same same)
    -> Explored<decltype(run(std::declval<Walk&>()))> {
  using T = decltype(run(std::declval<Walk&>()));
  Walk first_walk(kernel, {}, explain);
  T first = run(first_walk);
  std::vector<Choice> choices = first_walk.choices();
  Explored<T> explored{std::move(first), std::move(first_walk), std::nullopt};
  for (int ways = 1;; ++ways) {
    // The next way: flip the last answer that is still "yes", and forget what came after it.
    while (!choices.empty() && !choices.back().answer) choices.pop_back();
    if (choices.empty()) return explored;
    choices.back().answer = false;
    const std::string question = choices.back().key;
    if (ways == kMostWays) {
      explored.open = question;
      return explored;
    }
    Walk walk(kernel, choices, false);
    if (!same(explored.first, run(walk))) {
      explored.open = question;
      return explored;
    }
    choices = walk.choices();
  }
}

}  // namespace assay
