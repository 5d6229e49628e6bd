// survey/guard_signature.h - lists and overlays of the guard signed, and their signatures checked
// by the kernel's rules against what the user trusts.

#pragma once

#include <string>
#include <vector>

#include "crypto/signer.h"
#include "edit/cms_writer.h"
#include "guardlist/guard_list.h"
#include "survey/trust_options.h"
#include "survey/verify.h"

namespace assay {

// An appended signature behind the bytes: detached PKCS#7, neither certificates nor attributes.
Result<std::vector<std::uint8_t>> sign_bytes(const std::string& name,
                                             std::vector<std::uint8_t> bytes, Signer& signer,
                                             const SigningCertificate& certificate);

// What a kernel makes of the signature that is appended to `file`. `name` as printed.
ArtifactReport verify_bytes(const std::string& name, View file, const TrustOptions& trust);

// The list at `path`, cut from its signature, and what the signature is worth.
struct LoadedGuardList {
  GuardList list;
  ArtifactReport signature;
};
Result<LoadedGuardList> load_guard_list(const std::string& path, const TrustOptions& trust);

// The overlay at `path`, with all bytes of the file for verify_bytes.
struct LoadedOverlay {
  Overlay overlay;
  std::vector<std::uint8_t> file;
};
Result<LoadedOverlay> load_overlay(const std::string& path);

}  // namespace assay
