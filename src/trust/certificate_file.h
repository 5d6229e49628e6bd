// trust/certificate_file.h - certificates that a user names: PEM or DER files, folders of such.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "signatures/certificate.h"

namespace assay {

using Certificates = std::vector<std::shared_ptr<const PreparedCertificate>>;

// A PEM file with any number of certificates, or DER certificates one after the other. A
// certificate must have the outline of one; whether a kernel takes it is another question.
Result<Certificates> parse_certificates(View bytes);

// A file, or all files of a folder (not of folders in it). What in a folder is no certificate is
// passed over, and told to `warn`; a folder without any certificate is an error.
using Warn = std::function<void(const Error&)>;
Result<Certificates> load_certificates(const std::string& path, const Warn& warn);

}  // namespace assay
