// ima/syscalls.h - what IMA says where there is no file to look at, or where security.ima is set.
//
// Mirrors ima_load_data, ima_file_mprotect (ima_main.c), ima_inode_setxattr (ima_appraise.c) and
// ima_appraise_signature (ima_policy.c).

#pragma once

#include "ima/appraise.h"

namespace assay {

// init_module: bytes instead of a file.
Outcome ima_load_module(Walk& walk, const ImaState& state, Truth sig_enforced);
// kexec_load. `secure_boot` is what arch_get_secureboot answers.
Outcome ima_load_kexec(Walk& walk, const ImaState& state, const KernelConfig& config,
                       Truth secure_boot);
// Firmware that user space hands over (the sysfs fallback).
Outcome ima_load_firmware(Walk& walk, const ImaState& state);

// mprotect(PROT_EXEC) of a mapping that was not executable. `event` is one of MMAP_CHECK.
Outcome ima_mprotect(Walk& walk, const ImaState& state, const ImaEvent& event, const ImaFile& file);

// setxattr of security.ima. `audited` becomes its cause=, where there is one.
Outcome ima_set_xattr(Walk& walk, const ImaKernel& kernel, const ImaXattr& value, Truth is_admin,
                      std::string& audited);

// setxattr of security.evm by somebody who may.
Outcome evm_set_xattr(Walk& walk, const ImaKernel& kernel, const ImaXattr& value);

// Does IMA appraise a signature of what is read for this hook? Kexec then does without its own
// check under lockdown. The conditions of rules are not looked at, nor rules that say not to
// appraise.
bool ima_appraise_signature(Walk& walk, const ImaState& state, const KernelConfig& config,
                            ImaHook hook, Truth locked_down);

}  // namespace assay
