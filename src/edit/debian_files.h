// edit/debian_files.h - files.json: what Debian's signing service is asked to sign
// (https://wiki.debian.org/SecureBoot/Discussion, "Source template inside a binary package").
//
//   {"packages": {"linux-image-6.1.0-56-amd64-unsigned": {
//      "trusted_certs": ["SHA-256 of a certificate", ...],
//      "files": [{"sig_type": "efi", "file": "boot/vmlinuz-6.1.0-56-amd64"}]}}}
//
// A package NAME-signed-template has it in usr/share/code-signing/NAME-signed-template. The
// signatures go to debian/signatures/PACKAGE/FILE.sig of the source package that is made of the
// template.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay {

enum class DebianSignature : std::uint8_t {
  efi,           // Authenticode, as sbattach takes it
  linux_module,  // the message of an appended signature
};

struct DebianPackage {
  // SHA-256 of certificates that what is signed will trust in its turn: a shim's, a kernel's.
  std::vector<std::array<std::uint8_t, 32>> trusted_certificates;
  std::map<std::string, DebianSignature> files;  // by their paths in the package
};
using DebianFiles = std::map<std::string, DebianPackage>;  // by names of packages

// bad_record, with what is wrong. Paths lead nowhere but down.
Result<DebianFiles> parse_debian_files(std::string_view text);

}  // namespace assay
