// trust/rules.h - the rule table of keyrings, as constants and as a list (see signatures/rules.h).

#pragma once

#include "signatures/rules.h"

namespace assay::rules::keyring {

#define RULE(name, ...) inline constexpr Rule name{__VA_ARGS__};
#include "trust/keyring.def"
#undef RULE

#define RULE(name, ...) &name,
inline constexpr const Rule* kTable[] = {
#include "trust/keyring.def"
};
#undef RULE

}  // namespace assay::rules::keyring
