// report/manifest_report.h - the manifest of a build without its signatures, as JSON and as text.

#pragma once

#include <string>

#include "compare/manifest.h"

namespace assay {

std::string to_json(const Manifest& manifest);         // "assay.manifest/1"
std::string to_digest_line(const Manifest& manifest);  // as sha256sum prints it
std::string to_text(const Manifest& manifest);         // the lines, whose SHA-256 is the digest

}  // namespace assay
