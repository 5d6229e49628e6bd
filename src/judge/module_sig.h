// judge/module_sig.h - MODULE_SIG: the kernel's module_sig_check.

#pragma once

#include "judge/appended.h"
#include "judge/verdict.h"

namespace assay {

// How a module is loaded.
struct ModuleRequest {
  bool ignore_modversions = false;  // MODULE_INIT_IGNORE_MODVERSIONS
  bool ignore_vermagic = false;     // MODULE_INIT_IGNORE_VERMAGIC
};

// module_sig_check up to the result of mod_verify_sig: ENODATA for a file without signature, else
// what the signature check says, whatever the platform then makes of it.
Outcome check_appended(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
                       const Platform& platform, TrustedBy& trusted_by);

// What the kernel calls a module whose check ended in `err`, where that is forgiven unless
// signatures are enforced or the kernel is locked down; empty where it is final.
std::string_view forgiven_reason(Errno err);

// All of module_sig_check.
Ending module_sig_check(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
                        const Platform& platform);

}  // namespace assay
