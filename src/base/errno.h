// base/errno.h - the kernel's error numbers, as values.
//
// The numbers are those of the generic ABI (include/uapi/asm-generic/errno*.h), which every
// architecture assay judges uses, and ENOTSUPP (include/linux/errno.h), which has no user-space
// name but leaks out of kexec_file_load. They never come from <errno.h> of the machine assay runs
// on.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

enum class Errno : std::uint16_t {
#define ERRNO(name, value, text) name = value,
#include "base/errno.def"
#undef ERRNO
};

constexpr int errno_number(Errno value) { return static_cast<int>(value); }

// "EKEYREJECTED"; "0" for Errno::none.
std::string_view errno_name(Errno value);

// The inverse; nothing for a name that is not in the table.
std::optional<Errno> find_errno(std::string_view name);
std::optional<Errno> find_errno(int number);

}  // namespace assay
