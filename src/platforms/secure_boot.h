// platforms/secure_boot.h - Secure Boot of a running host as its kernel computes it.
//
//   x86_64    the EFI stub: efi_get_secureboot_mode, and a volatile MokSBStateRT of 1 turns it off
//             (drivers/firmware/efi/libstub/secureboot.c: efi_get_secureboot)
//   arm64,    efi_get_secureboot_mode alone (security/integrity/efi_secureboot.c; in 6.1 that of
//   riscv64   ima/ima_efi.c)
//   ppc64le   os-secureboot-enforcing in the node ibm,secureboot, or ibm,secure-boot of at least 2
//             (arch/powerpc/kernel/secure_boot.c: is_ppc_secureboot_enabled)
//   s390x     ipl_secure_flag (arch/s390/kernel/ipl.c), /sys/firmware/ipl/secure
//
// efi_get_secureboot_mode (include/linux/efi.h): off where SecureBoot does not exist or is 0, or
// SetupMode is 1.

#pragma once

#include "platforms/host_root.h"
#include "trust/platform.h"

namespace assay {

// Sets efi, secure_boot, trusted_boot, ipl_secure, tpm and device_tree, as far as they can be told.
void read_secure_boot(HostRoot& host, Arch arch, PlatformState& state);

}  // namespace assay
