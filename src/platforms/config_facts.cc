#include "platforms/config_facts.h"

#include <memory>

#include "base/limits.h"
#include "codec/codec.h"

namespace assay {

std::optional<Arch> arch_of_config(const KernelConfig& config) {
  const auto is_on = [&](std::string_view name) { return config.is_on(name) == Truth::yes; };
  if (is_on("CONFIG_X86_64")) return Arch::x86_64;
  if (is_on("CONFIG_ARM64")) return Arch::arm64;
  if (is_on("CONFIG_S390")) return Arch::s390x;
  if (is_on("CONFIG_PPC64") && is_on("CONFIG_CPU_LITTLE_ENDIAN")) return Arch::ppc64le;
  if (is_on("CONFIG_RISCV") && is_on("CONFIG_64BIT")) return Arch::riscv64;
  return std::nullopt;
}

std::optional<std::string> version_of_config(std::string_view text) {
  constexpr std::string_view kEnd = " Kernel Configuration";
  const std::size_t end = text.find(kEnd);
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  const std::size_t start = line.rfind(' ');
  if (start == line.npos) return std::nullopt;
  const std::string_view version = line.substr(start + 1);
  if (!find_kernel_version(version)) return std::nullopt;
  return std::string(version);
}

Result<KconfigFile> read_config(std::vector<std::uint8_t> bytes) {
  if (detect_codec(View(bytes)) == Codec::gzip) {
    ASSAY_TRY(const auto stream,
              open_decoder(Codec::gzip, std::make_unique<ViewStream>(View(bytes))));
    ASSAY_TRY(auto text, read_all(*stream, limits::kConfig));
    bytes = std::move(text);
  }
  KconfigFile file{{bytes.begin(), bytes.end()}, {}};
  ASSAY_TRY(file.config, KernelConfig::parse(file.text));
  return file;
}

}  // namespace assay
