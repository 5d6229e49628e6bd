#include "platforms/secure_boot.h"

#include <fmt/format.h>

#include "bytes/reader.h"
#include "platforms/efi_variables.h"

namespace assay {

namespace {

// A variable of one byte.
std::optional<std::uint8_t> byte_of(const std::optional<EfiVariable>& variable) {
  if (!variable || variable->data.size() != 1) return std::nullopt;
  return variable->data[0];
}

std::optional<bool> efi_secure_boot(HostRoot& host, Arch arch) {
  const EfiVariables variables(host);
  if (!variables.are_visible()) {
    host.note(
        "/sys/firmware/efi/efivars shows no variable: whether Secure Boot is on is not known");
    return std::nullopt;
  }
  if (!variables.exists("SecureBoot", kEfiGlobal)) return false;
  const auto secure_boot = byte_of(variables.find("SecureBoot", kEfiGlobal));
  if (!secure_boot) return std::nullopt;
  if (*secure_boot == 0 || byte_of(variables.find("SetupMode", kEfiGlobal)) == 1) return false;
  if (arch != Arch::x86_64) return true;
  const auto shim = variables.find("MokSBStateRT", kEfiShimLock);
  const bool is_volatile = shim && (shim->attributes & kEfiNonVolatile) == 0;
  return !(is_volatile && byte_of(shim) == 1);
}

void read_efi(HostRoot& host, Arch arch, PlatformState& state) {
  if (!host.exists("/sys/firmware")) {
    host.note("/sys/firmware is missing: how this machine was booted is not known");
    return;
  }
  state.efi = host.exists("/sys/firmware/efi");
  if (!*state.efi)
    state.secure_boot = false;
  else
    state.secure_boot = efi_secure_boot(host, arch);
}

constexpr std::string_view kDeviceTree = "/sys/firmware/devicetree/base/";

std::optional<std::uint32_t> read_cell(HostRoot& host, std::string_view property) {
  const auto bytes = host.bytes(fmt::format("{}{}", kDeviceTree, property));
  if (!bytes) return std::nullopt;
  const auto cell = Reader{View(*bytes)}.record<4>();
  if (!cell) return std::nullopt;
  return cell->be32<0>();
}

// A node is compatible with ibm,secureboot, -v1 or -v2; firmware names it after that.
bool has_secure_boot_property(const HostRoot& host, std::string_view property) {
  for (const std::string& node : host.list(kDeviceTree))
    if (node.starts_with("ibm,secureboot") &&
        host.exists(fmt::format("{}{}/{}", kDeviceTree, node, property)))
      return true;
  return false;
}

void read_powerpc(HostRoot& host, PlatformState& state) {
  if (!host.exists(kDeviceTree)) {
    host.note("/sys/firmware/devicetree is missing: whether Secure Boot is on is not known");
    return;
  }
  const auto secure = read_cell(host, "ibm,secure-boot");
  const auto trusted = read_cell(host, "ibm,trusted-boot");
  if (secure) state.device_tree["ibm,secure-boot"] = *secure;
  if (trusted) state.device_tree["ibm,trusted-boot"] = *trusted;
  state.secure_boot =
      has_secure_boot_property(host, "os-secureboot-enforcing") || secure.value_or(0) > 1;
  state.trusted_boot = has_secure_boot_property(host, "trusted-enabled") || trusted.value_or(0) > 0;
  state.efi = false;
}

}  // namespace

void read_secure_boot(HostRoot& host, Arch arch, PlatformState& state) {
  switch (arch) {
    case Arch::x86_64:
    case Arch::arm64:
    case Arch::riscv64: read_efi(host, arch, state); break;
    case Arch::ppc64le: read_powerpc(host, state); break;
    case Arch::s390x:
      state.ipl_secure = host.flag("/sys/firmware/ipl/secure");
      state.secure_boot = state.ipl_secure;
      state.efi = false;
      break;
  }
  if (host.exists("/sys/class"))
    state.tpm = host.exists("/sys/class/tpm/tpm0");
  else
    host.note("/sys/class is missing: whether there is a TPM is not known");
}

}  // namespace assay
