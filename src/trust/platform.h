// trust/platform.h - the kernel that is asked and the state it is in, as a value.
//
// Everything a verdict depends on comes in here; the judge looks at nothing else. What is left out
// is not known, and is never taken for a default.

#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "signatures/kernel.h"
#include "signatures/pkcs7.h"
#include "trust/kernel_config.h"
#include "trust/keyring.h"
#include "trust/module_hashes.h"
#include "trust/verify_pkcs7.h"

namespace assay {

enum class Lockdown : std::uint8_t { none, integrity, confidentiality };
std::string_view lockdown_name(Lockdown lockdown);

struct PlatformState {
  std::optional<bool> secure_boot;   // what arch_get_secureboot answers
  std::optional<bool> trusted_boot;  // powerpc; EFI with a TPM
  std::optional<bool> ipl_secure;    // s390
  std::optional<Lockdown> lockdown;  // after the command line took effect
  std::optional<bool> sig_enforce;   // module signatures; as it stands after boot
  std::optional<bool> mok_list_trusted;
  std::optional<bool> kexec_load_disabled;
  std::optional<bool> modules_disabled;
  std::optional<bool> efi;
  std::optional<bool> tpm;
  std::optional<bool> module_autoload;              // are algorithms loaded on demand?
  std::map<std::string, std::int64_t> device_tree;  // powerpc: "ibm,secure-boot"
};

// The keyrings of the kernel that bear on verdicts, by the names of the platform file.
enum class Ring : std::uint8_t {
  builtin_trusted_keys,
  secondary_trusted_keys,
  machine,
  platform,
  ima,
  evm,
  ima_blacklist,
  fs_verity,
};
inline constexpr std::size_t kRingCount = 8;
std::string_view ring_key(Ring ring);                 // "fs_verity"
std::string_view ring_name(Ring ring);                // ".fs-verity", as the kernel calls it
std::optional<Ring> find_ring(std::string_view key);  // the inverse of ring_key

// IMA's configuration by the boot command line and by custom policies; its rules are judged in
// room ima.
struct ImaSettings {
  std::vector<std::string> policy;                        // texts, in the order loaded
  bool policy_is_known = false;                           // these are all that were loaded
  std::optional<std::string> appraise;                    // "enforce", "log", "fix", "off"
  std::optional<std::vector<std::string>> builtin_names;  // ima_policy=
  std::optional<std::vector<std::string>> initial_rules;  // in force before any custom policy
};

// A mounted filesystem, as IMA's conditions see it.
struct MountedFilesystem {
  std::string mount;
  std::string type;
  std::optional<std::uint64_t> magic;
  std::string uuid;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

// The process that asks.
struct Subject {
  std::string path;
  std::string artifact;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::string capabilities;
};

struct Platform {
  std::string name = "platform";
  KernelId kernel;
  std::string release;
  KernelConfig config;
  std::optional<std::string> cmdline;
  PlatformState state;
  SignatureContext signatures;  // algorithms, blocklist

  // The rings; nothing: what they hold is not known.
  std::array<std::shared_ptr<const Keyring>, kRingCount> rings;
  // Rings that this kernel does not have.
  std::array<bool, kRingCount> absent{};
  // False: these are the keys that .secondary_trusted_keys is known to reach, and it may reach more
  // (added at run time, or MOKs).
  bool secondary_is_complete = true;
  // The same of .platform.
  bool platform_is_complete = true;
  std::shared_ptr<const Keyring> revoked;  // certificates in .blacklist

  // With CONFIG_MODULE_HASHES: which modules were built with this kernel.
  std::optional<ModuleHashes> module_hashes;

  ImaSettings ima;
  std::vector<MountedFilesystem> filesystems;
  Subject subject;

  const std::shared_ptr<const Keyring>& ring(Ring which) const {
    return rings[static_cast<std::size_t>(which)];
  }
  std::shared_ptr<const Keyring>& ring(Ring which) {
    return rings[static_cast<std::size_t>(which)];
  }
  bool has_no(Ring which) const { return absent[static_cast<std::size_t>(which)]; }

  SignatureKeyrings signature_keyrings(const Keyring* ring, bool is_platform = false) const {
    return {ring, is_platform, revoked.get()};
  }

  // Is `option` on the kernel's command line, as one of its words?
  Truth has_option(std::string_view option) const;

  // module.sig_enforce, whatever set it.
  Truth sig_enforce() const;
  // sig_enforce of kernel/kexec_file.c: KEXEC_SIG_FORCE, or IMA's architecture policy under Secure
  // Boot (security/integrity/ima/ima_efi.c).
  Truth kexec_sig_enforce() const;
  Truth ipl_secure() const { return state.ipl_secure ? truth(*state.ipl_secure) : Truth::unknown; }
  Truth secure_boot() const {
    return state.secure_boot ? truth(*state.secure_boot) : Truth::unknown;
  }
  Truth locked_down(Lockdown at_least) const;
};

// The algorithms that a configuration builds in. Those built as modules are there if they are
// loaded on demand, which `autoload` says.
KernelCrypto crypto_of(const KernelConfig& config, Truth autoload);
// Likewise, with the other options that bear on signatures.
SignatureContext signatures_of(const KernelConfig& config, Truth autoload);

}  // namespace assay
