// trust/system_certificates.h - the certificates that a kernel image carries in its system
// certificate list, which become the keyring .builtin_trusted_keys.
//
// certs/system_certificates.S (6.1, 6.12, 7.2) lays out, each aligned by `.align 8`:
//
//   system_certificate_list        the module signing certificate, then those of
//                                  CONFIG_SYSTEM_TRUSTED_KEYS: DER, one after the other
//   (system_extra_cert             CONFIG_SYSTEM_EXTRA_CERTIFICATE_SIZE bytes, and an int; only
//                                  with CONFIG_SYSTEM_EXTRA_CERTIFICATE)
//   system_certificate_list_size   unsigned long: the size of the list
//   module_cert_size               unsigned long: the size of its first certificate, or 0
//
// which the assembler takes for 8 bytes on x86 and s390, and for 2^8 bytes on the others.
//
// The list is found by symbol where the image has a symbol table, else by that structure. A run of
// certificates without the two words is something else: the revocation list (one word), the
// wireless regulatory keys, a certificate in a built-in initramfs.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/content.h"
#include "bytes/stream.h"
#include "formats/kernel_image.h"

namespace assay {

enum class FoundBy : std::uint8_t { symbol, structure };
std::string_view found_by_name(FoundBy found_by);

struct SystemCertificates {
  std::vector<std::vector<std::uint8_t>> certificates;  // DER, in the list's order
  std::uint64_t module_cert_size;  // 0: the kernel has no module signing key of its own
  FoundBy found_by;
  Extent where;        // the list, in the decompressed payload
  std::string banner;  // "Linux version 6.1.0-56-amd64 (...) ..."; empty where none was seen
};

// Called with a list as soon as it is found, before the rest of the kernel has been searched for
// another: good enough to begin work with, not to conclude from.
using OnListFound = std::function<void(const SystemCertificates&)>;

// Searches the kernel inside `image` while it is decompressed, and stops reading when nothing that
// follows can change the answer. trust_not_found when there is no list, trust_ambiguous when there
// are several.
Result<SystemCertificates> find_system_certificates(
    const Content& content, const KernelImage& image, const OnListFound& on_list_found = {},
    const DecoderOptions& options = kPayloadOptions);

// The same over a kernel that is already decompressed. `arch` gives the byte order of the words and
// their alignment; without it all are tried.
Result<SystemCertificates> find_system_certificates(Stream& kernel, std::optional<Arch> arch,
                                                    const OnListFound& on_list_found = {});

}  // namespace assay
