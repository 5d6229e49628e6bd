// judge/two_keyrings.h - the order in which modules and kexec images look for keys: first
// .secondary_trusted_keys, and where that has no key, and the mechanism goes on, .platform.

#pragma once

#include "trust/platform.h"
#include "trust/verify_pkcs7.h"

namespace assay {

// A ring that the platform does not describe, or not wholly, may or may not hold a key that made
// the signature: ENOKEY is then open.
template <class Verify>
Outcome verify_in_keyring(const Platform& platform, bool is_platform, Verify verify) {
  static const Keyring kUnknown("a keyring that is not described");
  const Keyring* ring =
      platform.ring(is_platform ? Ring::platform : Ring::secondary_trusted_keys).get();
  SignatureKeyrings keyrings =
      platform.signature_keyrings(ring != nullptr ? ring : &kUnknown, is_platform);
  const bool complete = ring != nullptr && (is_platform ? platform.platform_is_complete
                                                        : platform.secondary_is_complete);
  if (!complete) keyrings.others = Truth::unknown;
  keyrings.question = is_platform ? "keyrings.platform" : "keyrings.secondary_trusted_keys";
  return verify(keyrings);
}

// Outcome verify(const SignatureKeyrings&) is asked once for each ring.
template <class Verify>
Outcome verify_in_keyrings(Walk& walk, const Platform& platform, bool then_platform,
                           Verify verify) {
  const Outcome outcome = verify_in_keyring(platform, false, verify);
  const bool try_platform = outcome.err == Errno::enokey && then_platform &&
                            walk.settle(platform.config.is_on("CONFIG_INTEGRITY_PLATFORM_KEYRING"),
                                        "config: CONFIG_INTEGRITY_PLATFORM_KEYRING");
  return try_platform ? verify_in_keyring(platform, true, verify) : outcome;
}

}  // namespace assay
