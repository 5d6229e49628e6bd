// edit/ima_convert.h - one RSA value in two forms, without the key: IMA's signature of version 2 in
// security.ima, and a message appended to the file (IMA's modsig).
//
// Both are PKCS#1 v1.5 over the digest of the content: of the file with security.ima, of what
// stands before the appended message (scripts/sign-file.c, without signed attributes). The value is
// checked with the certificate before it is used: what does not verify is not converted.

#pragma once

#include "edit/artifact.h"
#include "edit/cms_writer.h"

namespace assay {

// The signature of `attribute`, a security.ima of version 2, appended; the attribute goes, as it is
// of the file without the message. already_signed where a message is appended; not_signable for
// another form, a compressed file, or a value that is not the certificate's over this file.
Result<Edited> append_ima_signature(const Artifact& artifact, View attribute,
                                    const SigningCertificate& certificate);

// The appended signature as security.ima of the content before it, and the message goes. no_record
// where none is appended; not_signable for a message with signed attributes, content of its own or
// several signers, and as above.
Result<Edited> detach_ima_signature(const Artifact& artifact,
                                    const SigningCertificate& certificate);

}  // namespace assay
