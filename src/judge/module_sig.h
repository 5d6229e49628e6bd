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

// What becomes of a module whose check ended in `outcome`: whether signatures are enforced is asked
// first, then lockdown.
struct ForgivenessRules {
  const Rule& not_enforced;
  const Rule& lockdown;
};
Ending forgive(Walk& walk, const Outcome& outcome, const Platform& platform,
               const ForgivenessRules& rules);
// The second question alone; `reason` is what the kernel calls the module.
Ending ask_lockdown(Walk& walk, const Rule& rule, const Platform& platform, std::string_view reason,
                    const Outcome& cause);

// All of module_sig_check.
Ending module_sig_check(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
                        const Platform& platform);

}  // namespace assay
