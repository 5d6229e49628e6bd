// judge/pe_sig.h - the signature check of kexec_file_load on x86 and arm64: the kernel's
// verify_pefile_signature.

#pragma once

#include <optional>

#include "signatures/authenticode.h"
#include "signatures/evidence.h"
#include "trust/platform.h"
#include "trust/verify_pkcs7.h"

namespace assay {

// A PE file, signed or not: all that the kernel looks at.
struct PeEvidence {
  PeHeaders headers;
  // To the kernel. Not read where the headers leave no room for them.
  std::vector<PeSection> sections;
  std::optional<WinCertificate> certificate;   // the first of the table
  std::vector<std::uint8_t> start;             // the first bytes of its data, at most four
  std::optional<SignatureEvidence> signature;  // the PKCS#7 message that the kernel takes out of it
  IndirectData indirect;                       // its content
  ImageRanges ranges;
  std::vector<Digest> digests;  // of the image, for the algorithm that the content names
};

Result<PeEvidence> collect_pe(const Content& content);

// verify_pefile_signature with one keyring.
Outcome verify_pefile_signature(Walk& walk, const PeEvidence& evidence,
                                const SignatureContext& context, const SignatureKeyrings& keyrings,
                                TrustedBy& trusted_by);

// kexec_kernel_verify_pe_sig: .secondary_trusted_keys, then .platform.
Outcome kexec_kernel_verify_pe_sig(Walk& walk, const PeEvidence& evidence, const Platform& platform,
                                   TrustedBy& trusted_by);

}  // namespace assay
