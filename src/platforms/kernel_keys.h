// platforms/kernel_keys.h - what /proc/keys tells of the kernel's keyrings: how many keys are in
// each, and the descriptions of the keys, without their rings and without their contents.
//
//   0a1b2c3d I------     1 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 1
//   0e0f1a2b I------     1 perm 1f030000     0     0 asymmetri Debian Secure Boot CA: 6cce...:
//   X509.rsa ... serial   flags   usage expiry perm     uid   gid type (9)  description
//
// Written by proc_keys_show (security/keys/proc.c), keyring_describe, asymmetric_key_describe and
// blacklist_describe. A key that the reader may not view is left out without a trace.

#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace assay {

struct KernelKeys {
  // By the ring's name; the rings linked into it count as one each.
  std::map<std::string, std::uint64_t, std::less<>> rings;
  std::set<std::string, std::less<>> certificates;  // "Debian Secure Boot CA: 6cceb1bb..."
  std::set<std::string, std::less<>> hashes;        // "bin:0123..." and "tbs:..." in .blacklist
};

KernelKeys parse_kernel_keys(std::string_view text);

}  // namespace assay
