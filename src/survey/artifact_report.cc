#include "survey/artifact_report.h"

namespace assay {

void Summary::add(const ArtifactReport& report) {
  ++artifacts;
  if (report.is_image && report.standing != Standing::verified) ++images_unverified;
  switch (report.standing) {
    case Standing::verified: ++verified; break;
    case Standing::unsigned_: ++unsigned_; break;
    case Standing::untrusted: ++untrusted; break;
    case Standing::bad: ++bad; break;
    case Standing::malformed: ++malformed; break;
    case Standing::undetermined: ++undetermined; break;
    case Standing::unchecked: ++unchecked; break;
  }
}

std::uint64_t Summary::count(Standing standing) const {
  switch (standing) {
    case Standing::verified: return verified;
    case Standing::unsigned_: return unsigned_;
    case Standing::untrusted: return untrusted;
    case Standing::bad: return bad;
    case Standing::malformed: return malformed;
    case Standing::undetermined: return undetermined;
    case Standing::unchecked: return unchecked;
  }
  return 0;
}

}  // namespace assay
