// trust/boot_state.h - what the configuration and the command line alone make of a kernel, where
// the platform does not say what state it is in.

#pragma once

#include <string_view>

#include "base/result.h"
#include "trust/platform.h"

namespace assay {

// limit_size where the command line is longer than the kernel takes it: the rest would not be read,
// and nobody knows what of it was meant. COMMAND_LINE_SIZE (arch/*/include/asm/setup.h, uapi too,
// 6.1, 6.12 and 7.2) counts a NUL; between versions that differ the larger counts. A bootconfig
// that the line asks for comes before it (init/main.c, setup_command_line) and has a limit of its
// own.
Result<void> check_command_line(const Platform& platform);

// Are there init_module and finit_module (CONFIG_MODULES)? A configuration that does not name the
// option but leaves it out, as a table in a platform file may, is one of a kernel that has them.
Truth has_modules(const Platform& platform);

// `nomodule` on the command line: the last value counts.
Truth says_nomodule(const Platform& platform);
// kernel.modules_disabled, which nothing takes back.
Truth modules_disabled(const Platform& platform);

// The last module_blacklist=; nothing where there is none, or the command line is not known.
std::optional<std::string> module_blacklist(const Platform& platform);
// Does the last module_blacklist= name it (kernel/module/main.c blacklisted)?
Truth denies_module(const Platform& platform, std::string_view name);
// Is there such a list, with a name in it?
Truth denies_modules(const Platform& platform);

// module.sig_enforce on the command line: once set it stays (param_set_bool_enable_only).
Truth says_sig_enforce(const Platform& platform);

// The level below which the kernel cannot be where has_lockdown(): CONFIG_LOCK_DOWN_KERNEL_FORCE_*
// and lockdown= each only raise it (security/lockdown/lockdown.c lock_kernel_down).
Lockdown lockdown_of_config(const KernelConfig& config);
Lockdown lockdown_of_command_line(const Platform& platform);
// Is the security module there that lockdown is asked of: built in, and named by lsm= or CONFIG_LSM
// unless it comes early?
Truth has_lockdown(const Platform& platform);

}  // namespace assay
