// trust/platform.h - the kernel that is asked and the state it is in, as a value.
//
// Everything a verdict depends on comes in here; the judge looks at nothing else. What is left out
// is not known, and is never taken for a default.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "signatures/kernel.h"
#include "signatures/pkcs7.h"
#include "trust/kernel_config.h"
#include "trust/keyring.h"
#include "trust/verify_pkcs7.h"

namespace assay {

enum class Lockdown : std::uint8_t { none, integrity, confidentiality };

struct PlatformState {
  std::optional<bool> secure_boot;
  std::optional<bool> ipl_secure;    // s390
  std::optional<Lockdown> lockdown;  // after the command line took effect
  std::optional<bool> sig_enforce;   // module signatures; as it stands after boot
};

struct Platform {
  std::string name = "platform";
  KernelId kernel;
  std::string release;
  KernelConfig config;
  PlatformState state;
  SignatureContext signatures;  // algorithms, blocklist

  // The rings; nothing: what they hold is not known. Which exist is a matter of configuration.
  std::shared_ptr<const Keyring> secondary_trusted_keys;  // with the rings linked into it
  // False: these are the keys it is known to hold, and it may hold more (added at run time, or
  // MOKs).
  bool secondary_is_complete = true;
  std::shared_ptr<const Keyring> platform_keys;
  std::shared_ptr<const Keyring> revoked;  // certificates in .blacklist

  SignatureKeyrings signature_keyrings(const Keyring* ring, bool is_platform = false) const {
    return {ring, is_platform, revoked.get()};
  }

  Truth sig_enforce() const;
  Truth ipl_secure() const { return state.ipl_secure ? truth(*state.ipl_secure) : Truth::unknown; }
  Truth locked_down(Lockdown at_least) const;
};

// The algorithms that a configuration builds in. Those built as modules are there if they are
// loaded on demand, which `autoload` says.
KernelCrypto crypto_of(const KernelConfig& config, Truth autoload);

// Whose kernels look for module keys in .platform too: Debian's and, by their sources, Fedora's.
inline constexpr Scope kModulePlatformKeyring = Scope().in(Variant::debian).in(Variant::fedora);

}  // namespace assay
