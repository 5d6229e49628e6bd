// edit/attach.h - records and signatures put back, or put in, without changing anything else.

#pragma once

#include "edit/artifact.h"

namespace assay {

// By the record that excise wrote. Fails where the artifact is not the content that the record
// names (record_mismatch), or where what comes out would not be the file that it was taken from.
Result<Edited> attach_record(const Artifact& artifact, const EditRecord& record);

// A signature made elsewhere: a bare PKCS#7 message, DER, as sign-file -p, sbattach --detach and
// Debian's signing service write it, or a whole WIN_CERTIFICATE. A message of Authenticode goes
// into the certificate table of a PE image, any other behind the end of the file. A digest that the
// message names must be that of the file (record_mismatch); a message without one (RSA over the
// content, as modules have it) cannot be compared without the key, which is said in the notes.
Result<Edited> attach_signature(const Artifact& artifact, View signature);

// Does the file carry this very signature? Attached once more it would be there twice.
Result<bool> carries_signature(const Artifact& artifact, View signature);

// The parts of an edit, for attach_signature and for signing.
RecordPart describe_appended_signature(const Content& content, View message);
// What `parts` make of the artifact, with its record; compressed as it was where the parameters are
// found, else as the kernel's build does it. not_signable when the kernel's decompressor would
// refuse the result.
Result<Edited> apply_parts(const Artifact& artifact, std::vector<RecordPart> parts);

}  // namespace assay
