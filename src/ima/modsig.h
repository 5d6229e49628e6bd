// ima/modsig.h - a signature appended to a file, as IMA takes it.
//
// Mirrors security/integrity/ima/ima_modsig.c. An appended block that does not parse is to IMA as
// if there were none. A message that carries content of its own is checked against that, not
// against the file: such a signature does not bind the file at all.

#pragma once

#include <optional>

#include "ima/evidence.h"
#include "ima/hook.h"
#include "ima/signature.h"
#include "ima/template.h"
#include "signatures/pkcs7.h"

namespace assay {

struct Modsig {
  const SignatureEvidence* message;
  std::optional<Digest> digest;  // of what is signed; nothing with more than one signer
  bool carries_content = false;  // the message's own, which is what is checked
};

// ima_read_modsig and ima_collect_modsig.
std::optional<Modsig> read_modsig(Walk& walk, const SignatureContext& signatures,
                                  const ImaEvidence& evidence);

// modsig_verify: with .ima, and for kernels to be started with .platform.
Outcome verify_modsig(Walk& walk, const Modsig& modsig, const SignatureContext& signatures,
                      const SignatureVerifier& verifier, ImaHook func);

bool has_modsig_field(const ImaTemplate& tmpl);

}  // namespace assay
