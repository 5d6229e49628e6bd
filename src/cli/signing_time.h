// cli/signing_time.h - the time that signatures say they were made at.

#pragma once

#include <cstdint>

#include "base/result.h"

namespace assay {

// Seconds since 1970: SOURCE_DATE_EPOCH, where it is set (usage where it is no number), else now.
// https://reproducible-builds.org/specs/source-date-epoch/
Result<std::int64_t> signing_time();

}  // namespace assay
