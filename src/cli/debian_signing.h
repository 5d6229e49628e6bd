// cli/debian_signing.h - sign --debian-files: what Debian's signing service does with files.json.

#pragma once

#include <string>
#include <vector>

#include "cli/edit_arguments.h"
#include "cli/signer_arguments.h"
#include "edit/sign.h"

namespace assay {

struct DebianSigning {
  std::string files;  // files.json
  // Certificates that what is signed may trust (trusted_certs): files of them.
  std::vector<std::string> trusted;
};

// Signs FOLDER/PACKAGE/FILE for all that files.json lists, FOLDER being the one PATH, and writes
// the messages to OUT/PACKAGE/FILE.sig. Nothing is signed where a file is missing, or where
// trusted_certs lists a certificate that is not given.
ExitStatus sign_debian_files(const CommonOptions& common, const EditArguments& arguments,
                             const SigningIdentity& identity, const SignOptions& options,
                             const DebianSigning& debian, Output& output);

}  // namespace assay
