#include "formats/arch.h"

namespace assay {

namespace {

struct Row {
  Arch arch;
  std::string_view name;
  std::string_view debian;  // dpkg --print-architecture
  std::string_view rpm;     // uname -m, where it differs from `name`
  unsigned e_machine;       // include/uapi/linux/elf-em.h
};

constexpr Row kRows[] = {
    {Arch::x86_64, "x86_64", "amd64", "x86_64", 62},
    {Arch::arm64, "arm64", "arm64", "aarch64", 183},
    {Arch::s390x, "s390x", "s390x", "s390x", 22},
    {Arch::ppc64le, "ppc64le", "ppc64el", "powerpc64le", 21},
    {Arch::riscv64, "riscv64", "riscv64", "riscv64", 243},
};

}  // namespace

std::string_view arch_name(Arch arch) { return kRows[static_cast<std::size_t>(arch)].name; }

std::optional<Arch> find_arch(std::string_view name) {
  for (const Row& row : kRows)
    if (name == row.name || name == row.debian || name == row.rpm) return row.arch;
  return std::nullopt;
}

std::optional<Arch> arch_of_elf_machine(unsigned e_machine) {
  for (const Row& row : kRows)
    if (e_machine == row.e_machine) return row.arch;
  return std::nullopt;
}

bool is_big_endian(Arch arch) { return arch == Arch::s390x; }

}  // namespace assay
