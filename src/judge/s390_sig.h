// judge/s390_sig.h - the signature check of kexec_file_load on s390: the kernel's s390_verify_sig.

#pragma once

#include "judge/appended.h"

namespace assay {

// What the check returns. Nothing is looked at unless the machine was IPLed securely.
Outcome s390_verify_sig(Walk& walk, const AppendedEvidence& evidence, const Platform& platform,
                        TrustedBy& trusted_by);

}  // namespace assay
