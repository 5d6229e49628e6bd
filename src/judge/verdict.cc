#include "judge/verdict.h"

#include <algorithm>

namespace assay {

std::string_view decision_name(Decision decision) {
  switch (decision) {
    case Decision::undetermined: return "undetermined";
    case Decision::allowed: return "allowed";
    case Decision::allowed_unverified: return "allowed_unverified";
    case Decision::allowed_tainted: return "allowed_tainted";
    case Decision::refused: return "refused";
    case Decision::crashes: return "crashes";
  }
  return "undetermined";
}

void Endings::note(const Ending& ending) {
  ++count_;
  all_refused_ &= ending.decision == Decision::refused;
  if (std::ranges::find(errors_, ending.outcome.err) == errors_.end())
    errors_.push_back(ending.outcome.err);
}

std::vector<Errno> Endings::errors_of_refusals() const {
  return all_refused_ && count_ < kMostWays ? errors_ : std::vector<Errno>();
}

Verdict make_verdict(const Ending& ending, Walk walk, std::vector<std::string> open,
                     const Endings& endings) {
  Verdict verdict;
  if (!open.empty()) {
    verdict.open = std::move(open);
    // Of a kernel before the oldest anchor no walk says anything.
    if (!is_before_anchors(walk.kernel().version))
      verdict.refused_with = endings.errors_of_refusals();
  } else {
    verdict.decision = ending.decision;
    verdict.err = ending.outcome.err;
    verdict.deciding_step = ending.outcome.step;
    if (ending.outcome.step >= 0)
      verdict.deciding = walk.steps()[static_cast<std::size_t>(ending.outcome.step)].rule;
  }
  verdict.steps = std::move(walk).release_steps();
  for (const Step& step : verdict.steps) {
    // What follows an open question may not happen.
    if (step.finding == Finding::open && verdict.decision == Decision::undetermined) break;
    if (!step.log.empty()) verdict.log.push_back(step.log);
  }
  return verdict;
}

}  // namespace assay
