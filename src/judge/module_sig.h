// judge/module_sig.h - MODULE_SIG: the kernel's module_sig_check.

#pragma once

#include <optional>

#include "formats/appended_signature.h"
#include "judge/verdict.h"
#include "signatures/evidence.h"
#include "trust/platform.h"
#include "trust/verify_pkcs7.h"

namespace assay {

// A file with, or without, an appended signature: all that MODULE_SIG looks at.
struct AppendedEvidence {
  SignatureTrailer trailer;
  std::optional<SignatureEvidence> signature;  // where the trailer splits and the id_type is PKCS#7
  std::optional<Digest> file_sha256;           // of the whole file, where it was asked for
};

struct EvidenceOptions {
  bool file_sha256 = false;  // some platform's blocklist has bin: hashes
};

// Reads the trailer and the signature, and computes the digests that the signature is over.
Result<AppendedEvidence> collect_appended(const Content& content, const EvidenceOptions& options);

// How a module is loaded.
struct ModuleRequest {
  bool ignore_modversions = false;  // MODULE_INIT_IGNORE_MODVERSIONS
  bool ignore_vermagic = false;     // MODULE_INIT_IGNORE_VERMAGIC
};

// module_sig_check up to the result of mod_verify_sig: ENODATA for a file without signature, else
// what the signature check says, whatever the platform then makes of it.
Outcome check_appended(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
                       const Platform& platform, TrustedBy& trusted_by);

// All of module_sig_check.
Ending module_sig_check(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
                        const Platform& platform);

}  // namespace assay
