// judge/pe_boot.h - what firmware, shim and GRUB make of a PE image, and what every verifier's
// digest of it is.
//
//   firmware  EDK2's DxeImageVerificationHandler, with db and dbx
//   shim      an image that shim starts: db, vendor db, MokListRT, their deny lists, then SBAT
//   grub      an image that GRUB asks shim about (shim_lock, or shim's loader): as shim, but one
//             without SBAT entries passes
//
// Whether a signature ends in a certificate is asked of signatures/openssl_pkcs7.h. EDK2 and shim
// of August 2026 were read for this.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "judge/pe_sig.h"
#include "signatures/image_coverage.h"
#include "trust/boot_material.h"

namespace assay {

// A signature inside another.
struct NestedSignature {
  SignatureEvidence signature;
  IndirectData indirect;
};

// One WIN_CERTIFICATE of the table, with what is in it.
struct PeCertificateEntry {
  WinCertificate certificate;
  Extent where;
  std::optional<SignatureEvidence> signature;  // a PKCS#7 message; in an entry with a GUID, too
  IndirectData indirect;
  std::vector<NestedSignature> nested;  // that nobody here goes by
};

struct PeBootEvidence {
  PeHeaders headers;
  std::vector<PeSection> sections;  // where the PE specification has them
  std::vector<std::string> section_names;
  std::vector<PeCertificateEntry> entries;
  std::optional<Extent> damaged_table;  // where the walk over its entries stops
  // Bytes of the table that belong to no signature: behind a message and beyond the zeros that
  // align it to eight bytes, or behind the last entry.
  std::vector<Extent> uncovered;
  std::array<Coverage, kCoverageRuleCount> coverages;  // by CoverageRule
  // Of the image, for each way of hashing that is not like an earlier one.
  struct ImageDigest {
    CoverageRule rule;
    Digest digest;
  };
  std::vector<ImageDigest> digests;
  // The .sbat section: nothing when there is none.
  std::optional<Result<std::vector<SbatEntry>>> sbat;

  const Coverage& coverage(CoverageRule rule) const {
    return coverages[static_cast<std::size_t>(rule)];
  }
  // Nothing where the verifier computes none, or libcrypto lacks the algorithm.
  const Digest* digest(CoverageRule rule, Hash hash) const;
};

// `kernel` is what collect_pe made of the same file.
Result<PeBootEvidence> collect_pe_boot(const Content& content, const PeEvidence& kernel);

enum class BootVerifier : std::uint8_t { firmware, shim, grub };
std::string_view verifier_name(BootVerifier verifier);

struct BootRule {
  std::string_view id;
  std::string_view site;
  std::string_view holds;
  std::string_view fails;
  std::string_view status;  // what the function returns: "EFI_SECURITY_VIOLATION"
  Standing standing;
};

namespace rules::pe_boot {
#define BOOT_RULE(name, ...) inline constexpr BootRule name{__VA_ARGS__};
#include "judge/pe_boot.def"
#undef BOOT_RULE
}  // namespace rules::pe_boot

struct BootVerdict {
  Standing standing = Standing::undetermined;
  const BootRule* rule = nullptr;  // that decided against it; nothing where verified or not known
  Extent where;
  std::string because;  // the values compared; where not known, why
  // What vouches for it: a certificate, or an entry of a database with its digest.
  const BootCertificate* certificate = nullptr;
  const BootHash* hash = nullptr;
};

BootVerdict refuse(const BootRule& rule, Extent where = {}, std::string because = {});
BootVerdict leave_open(const std::string& why);

BootVerdict judge_boot(BootVerifier verifier, const PeBootEvidence& evidence,
                       const BootMaterial& material);

}  // namespace assay
