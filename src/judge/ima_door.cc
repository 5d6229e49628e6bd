#include "judge/ima_door.h"

#include "judge/rules.h"

namespace assay {

ImaEvidence ima_evidence_in_memory(const ImaEvidence& file, const AppendedEvidence& appended) {
  ImaEvidence evidence = file;
  evidence.trailer = &appended.trailer;
  evidence.appended = appended.signature ? &*appended.signature : nullptr;
  return evidence;
}

Outcome read_into_memory(Walk& walk, ImaDoor& door, ImaHook hook, const ImaSubjectFile& file) {
  if (const Outcome bad = walk.check(rules::kernel_read::not_empty, file.evidence.size != 0);
      bad.failed())
    return bad;
  return door.read(walk, hook, file.evidence, file.inode);
}

}  // namespace assay
