#include "survey/survey.h"

namespace assay {

void VerdictSummary::add(Decision decision) {
  ++artifacts;
  switch (decision) {
    case Decision::allowed: ++allowed; break;
    case Decision::allowed_unverified: ++allowed_unverified; break;
    case Decision::allowed_tainted: ++allowed_tainted; break;
    case Decision::refused: ++refused; break;
    case Decision::crashes: ++crashes; break;
    case Decision::undetermined: ++undetermined; break;
  }
}

std::uint64_t VerdictSummary::count(Decision decision) const {
  switch (decision) {
    case Decision::allowed: return allowed;
    case Decision::allowed_unverified: return allowed_unverified;
    case Decision::allowed_tainted: return allowed_tainted;
    case Decision::refused: return refused;
    case Decision::crashes: return crashes;
    case Decision::undetermined: return undetermined;
  }
  return 0;
}

}  // namespace assay
