// ima/policy_validate.h - do the parts of a rule go together? (ima_policy.c, ima_validate_rule)

#pragma once

#include "base/extent.h"
#include "ima/policy_rule.h"
#include "signatures/walk.h"

namespace assay {

Outcome validate_ima_rule(Walk& walk, const ImaRule& rule, Extent where);

}  // namespace assay
