// judge/verdict.h - what a kernel would decide, and the reasoning that leads there.
//
// A refusal is not an Error. Errors say that we could not find out; a Verdict says what the kernel
// would do once we have. It is reached by walking rule tables in the kernel's order, so its steps
// read as that walk. A verdict starts undetermined and has to be earned.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "signatures/explore.h"
#include "signatures/walk.h"

namespace assay {

enum class Decision : std::uint8_t {
  undetermined,  // what the platform leaves open would decide
  allowed,
  allowed_unverified,  // the check failed or was not made, and the kernel goes on
  allowed_tainted,     // loads, and sets a taint flag
  refused,
  crashes,  // the kernel dies of it
};
std::string_view decision_name(Decision decision);

// One way to be refused.
struct Refusal {
  const Rule* rule;  // that it all comes from
  Errno err;         // what the system call returns
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct Verdict {
  Decision decision = Decision::undetermined;
  Errno err = Errno::none;          // what the system call returns
  const Rule* deciding = nullptr;   // nothing where no rule failed
  std::int32_t deciding_step = -1;  // its place in `steps`
  std::vector<Step> steps;          // every rule that was reached, in the kernel's order
  std::vector<std::string> log;     // what the kernel prints
  std::vector<std::string> open;    // undetermined: what would have to be known ("state.lockdown")
  // Undetermined, but refused whatever the answers: with one of these errors, in the order found.
  std::vector<Errno> refused_with;
  std::vector<Refusal> refusals;  // and for these reasons
  // Undetermined: what fails in every way that comes to it, where something does.
  const Rule* certain = nullptr;

  bool is_refused() const { return decision == Decision::refused || !refused_with.empty(); }
};

// How one walk ended.
struct Ending {
  Decision decision = Decision::undetermined;
  Outcome outcome;
};

// How all ways end, as they are walked.
class Endings {
 public:
  void note(const Ending& ending, const Walk& walk);
  // Nothing where some way does not end in a refusal, or some may not have been walked.
  std::vector<Refusal> refusals() const;
  // A rule that ways end with, and that fails in all of those that are not refused. Nothing where
  // there is none.
  const Rule* find_certain() const;

 private:
  int count_ = 0;
  bool all_refused_ = true;
  std::vector<Refusal> refusals_;
  std::vector<const Rule*> roots_;                         // that ways end with
  std::optional<std::vector<const Rule*>> always_failed_;  // in the ways that are not refused
};

// Walks `run` (Ending run(Walk&)) every way that what is open allows, and concludes.
template <class Run>
Verdict conclude(const KernelId& kernel, bool explain, Run run);

// The common part of conclude().
Verdict make_verdict(const Ending& ending, Walk walk, std::vector<std::string> open,
                     const Endings& endings);

template <class Run>
Verdict conclude(const KernelId& kernel, bool explain, Run run) {
  Endings endings;
  const auto noted = [&](Walk& walk) {
    const Ending ending = run(walk);
    endings.note(ending, walk);
    return ending;
  };
  auto explored = explore(kernel, explain, noted, [](const Ending& a, const Ending& b) {
    return a.decision == b.decision && a.outcome == b.outcome;
  });
  return make_verdict(explored.first, std::move(explored.walk), std::move(explored.open), endings);
}

}  // namespace assay
