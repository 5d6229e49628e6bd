// judge/kexec.h - what kexec_file_load and kexec_load do with a kernel image.

#pragma once

#include <optional>

#include "formats/kexec_image.h"
#include "judge/appended.h"
#include "judge/ima_door.h"
#include "judge/pe_sig.h"
#include "judge/verdict.h"

namespace assay {

// An image as every architecture looks at it.
struct KexecEvidence {
  KexecImage image;
  PeEvidence pe;
  AppendedEvidence appended;
};

Result<KexecEvidence> collect_kexec(const Content& content, const EvidenceOptions& options);

struct KexecRequest {
  std::uint32_t flags = 0;  // of kexec_file_load
  std::string cmdline;      // of the kernel to be started
};

// What IMA has to say where kexec asks it (security/integrity/ima); room ima answers for a policy.
struct ImaForKexec {
  Truth appraises_signature = Truth::no;  // ima_appraise_signature(READING_KEXEC_IMAGE)
  Truth refuses_kexec_load = Truth::no;   // an appraisal rule for KEXEC_KERNEL_CHECK, enforced
  // Where files are appraised, IMA itself is asked, also for what stands above. Without files they
  // are not.
  ImaDoor* door = nullptr;
  const ImaSubjectFile* image = nullptr;
  const ImaSubjectFile* initrd = nullptr;
};

// `signature` is what the signature check itself returned, whatever became of it; nothing where the
// call did not come to it.
Ending kexec_file_load(Walk& walk, const KexecEvidence& evidence, const KexecRequest& request,
                       const Platform& platform, const ImaForKexec& ima,
                       std::optional<Outcome>& signature);

// The old system call: there is no file that could be checked.
Ending kexec_load(Walk& walk, const Platform& platform, const ImaForKexec& ima);

}  // namespace assay
