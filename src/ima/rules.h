// ima/rules.h - the rule tables of IMA, as constants and as lists (see signatures/rules.h).

#pragma once

#include "signatures/rules.h"

namespace assay::rules {

#define RULE(name, ...) inline constexpr Rule name{__VA_ARGS__};
namespace ima_policy {
#include "ima/policy.def"
}
namespace ima_load {
#include "ima/load.def"
}
namespace ima_sig {
#include "ima/signature.def"
}
namespace ima {
#include "ima/ima.def"
}
#undef RULE

#define RULE(name, ...) &name,
namespace ima_policy {
inline constexpr const Rule* kTable[] = {
#include "ima/policy.def"
};
}  // namespace ima_policy
namespace ima_load {
inline constexpr const Rule* kTable[] = {
#include "ima/load.def"
};
}  // namespace ima_load
namespace ima_sig {
inline constexpr const Rule* kTable[] = {
#include "ima/signature.def"
};
}  // namespace ima_sig
namespace ima {
inline constexpr const Rule* kTable[] = {
#include "ima/ima.def"
};
}  // namespace ima
#undef RULE

}  // namespace assay::rules
