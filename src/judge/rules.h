// judge/rules.h - the rule tables of the mechanisms, as constants and as lists (see
// signatures/rules.h).

#pragma once

#include "signatures/rules.h"

namespace assay::rules {

// Where kernels have one check for appended signatures: what the proposed series says of it.
inline constexpr Scope kAppendedKexecSig =
    Scope().in(Variant::appended_kexec_sig).on(Arch::s390x).on(Arch::ppc64le);

#define RULE(name, ...) inline constexpr Rule name{__VA_ARGS__};
namespace module_hashes_v3 {
#include "judge/module_hashes_v3.def"
}
namespace module_hashes_v4 {
#include "judge/module_hashes_v4.def"
}
namespace module_hashes_v5 {
#include "judge/module_hashes_v5.def"
}
namespace module_load {
#include "judge/module_load.def"
}
namespace add_key {
#include "judge/add_key.def"
}
namespace appended_kexec_sig {
#include "judge/appended_kexec_sig.def"
}
namespace guard {
#include "judge/guard.def"
}
namespace ipe {
#include "judge/ipe.def"
}
namespace kernel_read {
#include "judge/kernel_read.def"
}
namespace kexec {
#include "judge/kexec.def"
}
namespace module_sig {
#include "judge/module_sig.def"
}
namespace pe_sig {
#include "judge/pe_sig.def"
}
namespace s390_sig {
#include "judge/s390_sig.def"
}
#undef RULE

#define RULE(name, ...) &name,
namespace add_key {
inline constexpr const Rule* kTable[] = {
#include "judge/add_key.def"
};
}  // namespace add_key
namespace appended_kexec_sig {
inline constexpr const Rule* kTable[] = {
#include "judge/appended_kexec_sig.def"
};
}  // namespace appended_kexec_sig
namespace guard {
inline constexpr const Rule* kTable[] = {
#include "judge/guard.def"
};
}  // namespace guard
namespace ipe {
inline constexpr const Rule* kTable[] = {
#include "judge/ipe.def"
};
}  // namespace ipe
namespace kernel_read {
inline constexpr const Rule* kTable[] = {
#include "judge/kernel_read.def"
};
}  // namespace kernel_read
namespace kexec {
inline constexpr const Rule* kTable[] = {
#include "judge/kexec.def"
};
}  // namespace kexec
namespace module_hashes_v3 {
inline constexpr const Rule* kTable[] = {
#include "judge/module_hashes_v3.def"
};
}  // namespace module_hashes_v3
namespace module_hashes_v4 {
inline constexpr const Rule* kTable[] = {
#include "judge/module_hashes_v4.def"
};
}  // namespace module_hashes_v4
namespace module_hashes_v5 {
inline constexpr const Rule* kTable[] = {
#include "judge/module_hashes_v5.def"
};
}  // namespace module_hashes_v5
namespace module_load {
inline constexpr const Rule* kTable[] = {
#include "judge/module_load.def"
};
}  // namespace module_load
namespace module_sig {
inline constexpr const Rule* kTable[] = {
#include "judge/module_sig.def"
};
}  // namespace module_sig
namespace pe_sig {
inline constexpr const Rule* kTable[] = {
#include "judge/pe_sig.def"
};
}  // namespace pe_sig
namespace s390_sig {
inline constexpr const Rule* kTable[] = {
#include "judge/s390_sig.def"
};
}  // namespace s390_sig
#undef RULE

}  // namespace assay::rules
