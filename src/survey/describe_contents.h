// survey/describe_contents.h - the ContentReport of an artifact.

#pragma once

#include "survey/examine.h"
#include "survey/trust_book.h"

namespace assay {

// `image`: what read_image_trust said of it, where it is a kernel image.
ContentReport describe_contents(const Examined& artifact, const ImageTrust* image);

// How many bytes of an image with signatures nothing covers: the kernel's digest passes over them
// (crypto/asymmetric_keys/verify_pefile.c, pefile_digest_pe_contents), or they lie in the
// certificate table and belong to no signature. The checksum and the table's entry in the headers
// are no such bytes: every verifier leaves them out.
Result<std::uint64_t> count_uncovered(const PeBootEvidence& image);

}  // namespace assay
