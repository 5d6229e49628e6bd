// edit/attach.h - records and signatures put back, or put in, without changing anything else.

#pragma once

#include <functional>
#include <vector>

#include "edit/artifact.h"
#include "edit/cms_writer.h"
#include "edit/signature_place.h"
#include "trees/module_proof.h"

namespace assay {

// By the record that excise wrote. Fails where the artifact is not the content that the record
// names (record_mismatch), or where what comes out would not be the file that it was taken from.
Result<Edited> attach_record(const Artifact& artifact, const EditRecord& record);

struct AttachOptions {
  Existing existing = Existing::refuse;
  // Who may have made the signature; where there are none, the message's own certificates are
  // taken.
  std::vector<SigningCertificate> certificates = {};
  // A message that nothing binds to the file is put in all the same.
  bool unverified = false;
  // Of a Merkle proof: is the root that it leads to the kernel's? Nothing where no kernel is named.
  std::function<Result<bool>(const ModuleRoot&)> is_root_of_kernel = {};
};

struct AttachedSignature {
  Edited edited;
  bool is_bound = false;  // to the file: by the digest it names, or by its value
};

// A signature made elsewhere: a bare PKCS#7 message, DER, as sign-file -p, sbattach --detach and
// Debian's signing service write it, or a whole WIN_CERTIFICATE. A message of Authenticode goes
// into the certificate table of a PE image, any other behind the end of the file. Or a Merkle proof
// (edit/module_proofs.h), which goes behind a module. It must be of the
// file (edit/message_check.h; of a proof, lead to the kernel's root): record_mismatch where it is
// of another, not_signable where that cannot be told, unless it is taken unverified; already_signed
// by `existing`.
Result<AttachedSignature> attach_signature(const Artifact& artifact, View signature,
                                           const AttachOptions& options = {});

// Does the file carry this very signature? Attached once more it would be there twice.
Result<bool> carries_signature(const Artifact& artifact, View signature);

// What `parts` make of the artifact, with its record; compressed as it was where the parameters are
// found, else as the kernel's build does it. not_signable when the kernel's decompressor would
// refuse the result.
Result<Edited> apply_parts(const Artifact& artifact, std::vector<RecordPart> parts);

}  // namespace assay
