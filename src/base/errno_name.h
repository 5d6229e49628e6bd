// base/errno_name.h - the kernel's error numbers by name.
//
// The numbers are those of the generic ABI (include/uapi/asm-generic/errno*.h), which every
// architecture assay judges uses, and ENOTSUPP (include/linux/errno.h, 524), which has no
// user-space name but leaks out of kexec_file_load.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace assay {

inline constexpr int kENOTSUPP = 524;

// "EKEYREJECTED"; "0" for 0; a bare number for what has no name here.
std::string errno_name(int number);

// The inverse; nothing for a name that is not known.
std::optional<int> errno_number(std::string_view name);

}  // namespace assay
