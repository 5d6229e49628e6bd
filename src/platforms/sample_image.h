// platforms/sample_image.h - the smallest kernel image that kexec_file_load of an architecture
// recognises, without a signature: what a platform is asked about when no image is at hand.

#pragma once

#include <cstdint>
#include <vector>

#include "signatures/kernel.h"

namespace assay {

std::vector<std::uint8_t> sample_image(const KernelId& kernel);

}  // namespace assay
