// platforms/contradictions.h - a state that the configuration and the command line rule out.

#pragma once

#include "base/result.h"
#include "trust/platform.h"

namespace assay {

// bad_value, naming both sides, where [state] cannot be what this kernel booted into.
Result<void> check_contradictions(const Platform& platform);

}  // namespace assay
