// trust/shim.h - the certificates that a shim carries inside.
//
//   section .vendor_cert:
//   0   le32 size of the vendor certificate, or of the vendor db (EFI signature lists)
//   4   le32 size of the vendor dbx
//   8   le32 where the first starts, from the start of this table
//   12  le32 where the second starts
//
// Written by shim's cert.S; read by shim's verify.c. Source: cert.S of shim 15 and newer.

#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"

namespace assay {

struct ShimCertificates {
  std::vector<std::uint8_t> authorized;  // a DER certificate, or EFI signature lists; may be empty
  std::vector<std::uint8_t> deauthorized;  // EFI signature lists; may be empty
};

// Nothing when the file is no PE image or has no such section; bad_length where the table points
// outside the section.
Result<std::optional<ShimCertificates>> read_shim_certificates(const Content& content);

}  // namespace assay
