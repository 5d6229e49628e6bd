// trust/module_keyrings.h - whose kernels look for the keys of modules in .platform too.
//
// Mainline looks into .secondary_trusted_keys alone. "KEYS: Make use of platform keyring for module
// signature verify" is a patch of Debian (booted), Fedora (kernel-ark), Ubuntu ("UBUNTU: SAUCE:
// (lockdown) ...") and SUSE (patches.suse/KEYS-Make-use-of-platform-keyring-for-module-
// signatu.patch).

#pragma once

#include "signatures/kernel.h"

namespace assay {

inline constexpr Scope kModulesSearchPlatform =
    Scope().in(Variant::debian).in(Variant::fedora).in(Variant::suse).in(Variant::ubuntu);

}  // namespace assay
