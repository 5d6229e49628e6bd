// platforms/matrix.h - which options about the verification of kexec images each architecture can
// turn on, and in which configurations they are.

#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/arch.h"
#include "trust/kernel_config.h"

namespace assay {

inline constexpr std::array<Arch, 5> kMatrixArches = {Arch::x86_64, Arch::arm64, Arch::s390x,
                                                      Arch::ppc64le, Arch::riscv64};
inline constexpr std::array<std::string_view, 8> kMatrixOptions = {"KEXEC_FILE",
                                                                   "KEXEC_SIG",
                                                                   "KEXEC_SIG_FORCE",
                                                                   "KEXEC_BZIMAGE_VERIFY_SIG",
                                                                   "KEXEC_IMAGE_VERIFY_SIG",
                                                                   "HAVE_IMA_KEXEC",
                                                                   "IMA_ARCH_POLICY",
                                                                   "IMA_APPRAISE_MODSIG"};

// A row of platforms/matrix.def.
struct Selectable {
  Arch arch;
  std::string_view option;
  std::string_view where;  // the Kconfig file
  std::string_view note;
};

// Nothing where the architecture cannot turn the option on.
const Selectable* find_selectable(Arch arch, std::string_view option);

// A configuration, by the name it is shown under.
struct NamedConfig {
  std::string name;
  Arch arch;
  KernelConfig config;
};

struct MatrixCell {
  Arch arch;
  std::string_view option;
  const Selectable* selectable = nullptr;
  std::vector<std::string> on_in;  // names of configurations of this architecture
  std::vector<std::string> off_in;
};

// Architecture by architecture, option by option.
std::vector<MatrixCell> platform_matrix(std::span<const NamedConfig> configs);

}  // namespace assay
