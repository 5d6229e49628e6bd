// guard/digest_file.h - digests as sha256sum writes them, a file a line.

#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"
#include "guard/guard_entry.h"

namespace assay {

// "DIGEST  NAME" or "DIGEST *NAME" in each line (a leading '\' where the name is escaped), or the
// digest alone. Names are not looked at. bad_value with the line's number.
Result<std::vector<GuardEntry>> parse_digest_file(std::string_view text, std::uint32_t mask);

}  // namespace assay
