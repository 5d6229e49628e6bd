// survey/inner_images.h - kernel images inside kernel images: .linux of a unified kernel image
// ("uki.efi!.linux"), the Image in an EFI zboot or a compressed Image ("Image.gz!Image").
//
// The inner image may have a signature of its own, which matters: kexec-tools takes the Image out
// of a zboot before the kernel sees it.

#pragma once

#include <vector>

#include "survey/examine.h"

namespace assay {

// Each with those inside it. One that cannot be read has the error.
std::vector<Examined> examine_inner_images(const Examined& outer, const Content& content,
                                           const EvidenceOptions& options);

}  // namespace assay
