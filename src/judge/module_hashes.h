// judge/module_hashes.h - CONFIG_MODULE_HASHES: what stands in the place of module_sig_check in the
// kernels of that series, which is not merged.

#pragma once

#include "judge/module_sig.h"

namespace assay {

// module_integrity_check (versions 3 and 4) or module_auth_check (5). Requires
// platform.module_hashes.
Ending module_hashes_check(Walk& walk, const AppendedEvidence& evidence,
                           const ModuleRequest& request, const Platform& platform);

}  // namespace assay
