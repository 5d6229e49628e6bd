#include "judge/ima_door.h"

namespace assay {

ImaEvidence ima_evidence_in_memory(const ImaEvidence& file, const AppendedEvidence& appended) {
  ImaEvidence evidence = file;
  evidence.trailer = &appended.trailer;
  evidence.appended = appended.signature ? &*appended.signature : nullptr;
  return evidence;
}

}  // namespace assay
