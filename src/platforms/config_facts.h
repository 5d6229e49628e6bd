// platforms/config_facts.h - what a Kconfig file says of the kernel that it makes.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/arch.h"
#include "signatures/kernel.h"
#include "trust/kernel_config.h"

namespace assay {

// Nothing for an architecture that assay does not know.
std::optional<Arch> arch_of_config(const KernelConfig& config);

// "6.1.192" of the heading "# Linux/x86 6.1.192 Kernel Configuration".
std::optional<std::string> version_of_config(std::string_view text);

struct KconfigFile {
  std::string text;
  KernelConfig config;
};

// A Kconfig file, compressed or not (config.gz).
Result<KconfigFile> read_config(std::vector<std::uint8_t> bytes);

}  // namespace assay
