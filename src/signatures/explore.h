// signatures/explore.h - walks through the rules once for every way to answer what is open.
//
// When all ways end alike, the open questions did not matter. When some end otherwise than the
// first, the questions in which they differ are what the platform would have to answer. For a
// kernel older than the oldest anchor no walk says anything: the version itself is what is open.

#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "signatures/walk.h"

namespace assay {

// More ways than this are not walked; the first question is then named as open.
inline constexpr int kMostWays = 256;

template <class T>
struct Explored {
  T first;                        // the result of the first way
  Walk walk;                      // and its walk
  std::vector<std::string> open;  // the questions that matter, in the order in which they are asked
};

// `run` walks once: T run(Walk&). `same` says whether two results are alike.
template <class Run, class Same>
auto explore(const KernelId& kernel, bool explain, Run run, Same same)
    -> Explored<decltype(run(std::declval<Walk&>()))> {
  using T = decltype(run(std::declval<Walk&>()));
  Walk first_walk(kernel, {}, explain);
  Explored<T> explored{run(first_walk), first_walk, {}};
  std::vector<Choice> choices = first_walk.choices();
  // For each choice, what came out when it was answered "yes" and all that came after it was too.
  std::vector<T> with_yes(choices.size(), explored.first);
  const auto name = [&explored](const std::string& question) {
    if (std::ranges::find(explored.open, question) == explored.open.end())
      explored.open.insert(explored.open.begin(), question);
  };
  if (is_before_anchors(kernel.version)) name("kernel.version");
  for (int ways = 1;; ++ways) {
    // The next way: flip the last answer that is still "yes", and forget what came after it.
    while (!choices.empty() && !choices.back().answer) choices.pop_back();
    if (choices.empty()) return explored;
    if (ways == kMostWays) {
      name(choices.front().key);
      return explored;
    }
    choices.back().answer = false;
    with_yes.resize(choices.size(), explored.first);
    Walk walk(kernel, choices, false);
    const T result = run(walk);
    if (!same(with_yes.back(), result)) name(choices.back().key);
    choices = walk.choices();
    with_yes.resize(choices.size(), result);
  }
}

}  // namespace assay
