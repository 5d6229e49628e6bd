// edit/reuse.h - signatures that records have, taken before new ones are made.

#pragma once

#include <optional>

#include "edit/record_set.h"
#include "edit/sign.h"

namespace assay {

// What signing by `options` makes of the artifact, with the signature of a record of the same bytes
// that names `certificate`; nothing without such a record. record_mismatch where the signature is
// none by its key over this content, or is of another form than asked for: the digest, the name of
// the signer, attributes, certificates, what becomes of other signatures.
Result<std::optional<Edited>> reuse_signature(const Artifact& artifact, const RecordSet& records,
                                              const SigningCertificate& certificate,
                                              const SignOptions& options);

}  // namespace assay
