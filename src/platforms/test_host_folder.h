// platforms/test_host_folder.h - for tests: a folder with the files in which a host tells of its
// kernel.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "signatures/test_keys.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay::test {

inline constexpr const char* kGlobalGuid = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
inline constexpr const char* kDatabaseGuid = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
inline constexpr const char* kShimGuid = "605dab50-e046-4300-abb6-3dd810dd8b23";

// What Debian 12 has on, as far as it bears on signatures.
inline constexpr const char* kDebianConfig = R"(CONFIG_X86_64=y
CONFIG_MODULES=y
CONFIG_MODULE_SIG=y
CONFIG_KEXEC=y
CONFIG_KEXEC_FILE=y
CONFIG_KEXEC_SIG=y
CONFIG_KEXEC_BZIMAGE_VERIFY_SIG=y
CONFIG_SECURITY_LOCKDOWN_LSM=y
CONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y
CONFIG_IMA=y
CONFIG_IMA_APPRAISE=y
CONFIG_IMA_ARCH_POLICY=y
CONFIG_SYSTEM_TRUSTED_KEYRING=y
CONFIG_SECONDARY_TRUSTED_KEYRING=y
CONFIG_SYSTEM_BLACKLIST_KEYRING=y
CONFIG_INTEGRITY_PLATFORM_KEYRING=y
CONFIG_INTEGRITY_MACHINE_KEYRING=y
CONFIG_LOAD_UEFI_KEYS=y
CONFIG_EVM=y
CONFIG_CRYPTO_RSA=y
CONFIG_CRYPTO_SHA256=y
CONFIG_BUILD_SALT="6.1.0-56-amd64"
)";

class HostFolder {
 public:
  std::string path() const { return folder_.path().string(); }

  void put(const std::string& inside, std::string_view text) {
    write_file(folder_.path().string() + inside, bytes_of(text));
  }
  void put(const std::string& inside, const Bytes& bytes) {
    write_file(folder_.path().string() + inside, bytes);
  }
  void remove(const std::string& inside) {
    std::filesystem::remove_all(folder_.path().string() + inside);
  }

  // efivarfs: attributes (7: non-volatile, to boot and run-time services), data.
  void variable(const std::string& name, const char* guid, const Bytes& data,
                std::uint8_t attributes = 7) {
    put("/sys/firmware/efi/efivars/" + name + "-" + guid, der::join({{attributes, 0, 0, 0}, data}));
  }
  void mok_variable(const std::string& name, const Bytes& data) {
    put("/sys/firmware/efi/mok-variables/" + name, data);
  }

  // A list made by sbsiglist: "x509", "sha256".
  Bytes signature_list(const std::string& type, const Bytes& data) {
    put("/tool/in", data);
    const Finished made =
        run_command({"sbsiglist", "--owner", "11111111-2222-3333-4444-123456789abc", "--type", type,
                     "--output", path() + "/tool/out", path() + "/tool/in"});
    EXPECT_EQ(made.status, 0) << made.error;
    Bytes list = read_file(path() + "/tool/out");
    remove("/tool");
    return list;
  }

  // A Debian 12 that was booted by EFI, with Secure Boot.
  void make_debian(const char* config = kDebianConfig) {
    put("/proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
    put("/proc/sys/kernel/arch", "x86_64\n");
    put("/proc/version",
        "Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP Debian "
        "6.1.192-2\n");
    put("/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.1.0-56-amd64 root=/dev/vda1 ro quiet\n");
    put("/boot/config-6.1.0-56-amd64", config);
    put("/proc/sys/kernel/modules_disabled", "0\n");
    put("/proc/sys/kernel/kexec_load_disabled", "0\n");
    put("/proc/sys/kernel/modprobe", "/sbin/modprobe\n");
    put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    put("/sys/module/module/parameters/sig_enforce", "Y\n");
    put("/sys/class/tpm/tpm0/uevent", "");
    variable("SecureBoot", kGlobalGuid, {1}, 6);
    variable("SetupMode", kGlobalGuid, {0}, 6);
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace assay::test
