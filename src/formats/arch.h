// formats/arch.h - the architectures whose kernels assay knows, by the names of the platform file.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace assay {

enum class Arch : std::uint8_t { x86_64, arm64, s390x, ppc64le, riscv64 };

std::string_view arch_name(Arch arch);                 // "x86_64"
std::optional<Arch> find_arch(std::string_view name);  // the inverse; also Debian's "amd64" etc.
std::optional<Arch> arch_of_elf_machine(unsigned e_machine);  // EM_X86_64 = 62, ...
bool is_big_endian(Arch arch);

}  // namespace assay
