// ima/hook.h - the places at which the kernel asks IMA: enum ima_hooks, and their names in rules.

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "signatures/kernel.h"

namespace assay {

// In the kernel's order (ima.h, __ima_hooks).
enum class ImaHook : std::uint8_t {
  none,
  file_check,
  mmap_check,
  mmap_check_reqprot,
  bprm_check,
  creds_check,
  post_setattr,
  module_check,
  firmware_check,
  kexec_kernel_check,
  kexec_initramfs_check,
  policy_check,
  kexec_cmdline,
  key_check,
  critical_data,
  setxattr_check,
};

// A row of ima/funcs.def.
struct ImaFunc {
  ImaHook hook;
  std::string_view name;
  Scope scope;
  std::string_view config;  // the option that brings the name; empty: none
};

std::span<const ImaFunc> ima_funcs();
const ImaFunc* find_ima_func(std::string_view name);
std::string_view ima_hook_name(ImaHook hook);  // "BPRM_CHECK"; also those that no rule can name

// What a hook asks for (include/linux/fs.h): bits of a mask.
inline constexpr std::uint32_t kMayExec = 1;
inline constexpr std::uint32_t kMayWrite = 2;
inline constexpr std::uint32_t kMayRead = 4;
inline constexpr std::uint32_t kMayAppend = 8;

}  // namespace assay
