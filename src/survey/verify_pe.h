// survey/verify_pe.h - is the signature of this PE image good, and who vouches for it: to the
// kernel, to firmware, to shim, to GRUB?
//
// The kernel looks at the image last: under a signature by an unknown key it is never hashed.
// Whether the image is the one that was signed is asked all the same, as if some key were there;
// only then who made it.

#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "survey/artifact_report.h"
#include "survey/examine.h"
#include "survey/kernel_choice.h"

namespace assay {

struct PeTrust {
  std::optional<BootVerifier> verifier;          // nothing: the kernel
  std::shared_ptr<const BootMaterial> material;  // nothing: no trust is given
  std::optional<KernelVersion> version;          // whose rules; else the image's own
  bool strict = false;  // bytes of the certificate table that belong to no signature make it bad
};

// What becomes of the image.
struct PeEnding {
  Standing standing = Standing::undetermined;
  KernelChoice kernel;  // whose rules were applied
  std::vector<Step> steps;
  std::int32_t step = -1;           // the kernel's rule that decided against it
  std::optional<BootVerdict> boot;  // the same of firmware and shim
  std::vector<std::string> open;    // what would have to be known
  std::optional<Error> error;       // what kept us from finding out, or makes it bad
  std::shared_ptr<const PreparedCertificate> root;
  std::string source;  // the database of the root: "option", "db", "shim"
};

// Requires artifact.pe and artifact.boot; or artifact.appended, for GRUB, which looks at that in
// other files than PE images (judge/grub_appended.h).
PeEnding verify_pe(const Examined& artifact, const PeTrust& trust, bool explain);

PeReport describe_pe(const PeBootEvidence& evidence);

}  // namespace assay
