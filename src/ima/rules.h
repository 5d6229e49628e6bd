// ima/rules.h - the rule tables of IMA, as constants and as lists (see signatures/rules.h).

#pragma once

#include "signatures/rules.h"

namespace assay::rules::ima_policy {

#define RULE(name, ...) inline constexpr Rule name{__VA_ARGS__};
#include "ima/policy.def"
#undef RULE

#define RULE(name, ...) &name,
inline constexpr const Rule* kTable[] = {
#include "ima/policy.def"
};
#undef RULE

}  // namespace assay::rules::ima_policy
