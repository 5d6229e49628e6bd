// survey/content_report.h - what an artifact brings with it beside its signatures: certificates
// built into a kernel, SBAT's entries, bytes that no signature covers.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "formats/sbat.h"

namespace assay {

struct BuiltInCertificate {
  std::string subject;      // as name_text has it
  std::string fingerprint;  // SHA-256, hexadecimal
};

struct ContentReport {
  // Of a kernel image: those of .builtin_trusted_keys.
  std::optional<Result<std::vector<BuiltInCertificate>>> certificates;
  // Of a PE image; empty where it has no .sbat section.
  std::optional<Result<std::vector<SbatEntry>>> sbat;
  // Of a signed artifact: bytes that are neither signed nor of the signature itself.
  std::optional<Result<std::uint64_t>> uncovered_size;
};

}  // namespace assay
