// judge/ima_door.h - where IMA comes into a request: does any rule in force make it appraise?
//
// What appraisal then says is for room ima. Until it is asked, such a rule leaves the verdict open.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trust/platform.h"

namespace assay {

// The rule that makes IMA appraise what the hook `hook` ("MODULE_CHECK") is asked about; nothing
// where no rule does.
std::optional<std::string> find_appraisal_rule(const Platform& platform, std::string_view hook);

}  // namespace assay
