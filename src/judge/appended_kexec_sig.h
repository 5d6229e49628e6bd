// judge/appended_kexec_sig.h - the check of a kernel's appended signature in the proposed variant
// appended-kexec-sig: one function for s390 and powerpc, with the errors of modules.
//
// The series replaces s390's own code and gives powerpc KEXEC_SIG, whose signatures it looks up in
// .platform alone. On s390 the keyrings stay those of the kernel it is applied to.

#pragma once

#include "judge/appended.h"

namespace assay {

// verify_appended_signature, as elf64_verify_sig (powerpc) and s390_verify_sig call it.
Outcome verify_appended_kernel(Walk& walk, const AppendedEvidence& evidence,
                               const Platform& platform, TrustedBy& trusted_by);

}  // namespace assay
