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

void Endings::note(const Ending& ending, const Walk& walk) {
  ++count_;
  if (walk.choices().empty()) return;  // the only way
  const auto add = [](auto& list, const auto& one) {
    if (std::ranges::find(list, one) == list.end()) list.push_back(one);
  };
  const auto causes = causes_of(walk.steps(), ending.outcome.step);
  const Rule* root = causes.empty() ? nullptr : causes.back()->rule;
  if (root != nullptr) add(roots_, root);
  if (ending.decision == Decision::refused) {
    add(refusals_, Refusal{root, ending.outcome.err});
    return;
  }
  all_refused_ = false;
  std::vector<const Rule*> failed;
  for (const Step& step : walk.steps())
    if (step.finding == Finding::fails) failed.push_back(step.rule);
  if (!always_failed_) {
    always_failed_ = std::move(failed);
    return;
  }
  std::erase_if(*always_failed_,
                [&](const Rule* rule) { return std::ranges::find(failed, rule) == failed.end(); });
}

std::vector<Refusal> Endings::refusals() const {
  return all_refused_ && count_ < kMostWays ? refusals_ : std::vector<Refusal>();
}

const Rule* Endings::find_certain() const {
  if (count_ >= kMostWays) return nullptr;
  if (!always_failed_) return roots_.size() == 1 ? roots_.front() : nullptr;
  for (const Rule* rule : roots_)
    if (std::ranges::find(*always_failed_, rule) != always_failed_->end()) return rule;
  return nullptr;
}

namespace {

// A key is looked for in one ring and then in the other: a key in either would do, and where one
// ring decides, so does the other that is not known.
void name_both_rings(std::vector<std::string>& open, const Walk& walk) {
  constexpr std::string_view kFirst = "keyrings.secondary_trusted_keys";
  const auto then = std::ranges::find(open, "keyrings.platform");
  const bool is_asked = std::ranges::any_of(
      walk.choices(), [&](const Choice& choice) { return choice.key == kFirst; });
  if (then != open.end() && is_asked && std::ranges::find(open, kFirst) == open.end())
    open.insert(then, std::string(kFirst));
}

}  // namespace

Verdict make_verdict(const Ending& ending, Walk walk, std::vector<std::string> open,
                     const Endings& endings) {
  Verdict verdict;
  if (!open.empty()) {
    verdict.open = std::move(open);
    name_both_rings(verdict.open, walk);
    // Of a kernel before the oldest anchor no walk says anything.
    if (!is_before_anchors(walk.kernel().version)) {
      verdict.refusals = endings.refusals();
      verdict.certain = endings.find_certain();
    }
    for (const Refusal& refusal : verdict.refusals)
      if (std::ranges::find(verdict.refused_with, refusal.err) == verdict.refused_with.end())
        verdict.refused_with.push_back(refusal.err);
  } else {
    verdict.decision = ending.decision;
    verdict.err = ending.outcome.err;
    if (auto refusals = endings.refusals(); refusals.size() > 1)
      verdict.refusals = std::move(refusals);
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
