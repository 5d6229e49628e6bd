// Running hosts as folders, and what their kernels make of them.

#include "platforms/capture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "platforms/platform_file.h"
#include "platforms/platform_writer.h"
#include "platforms/test_host_folder.h"

namespace assay {
namespace {

using namespace test;
using Names = std::vector<std::string>;

Names names_in(const Platform& platform, Ring ring) {
  Names names;
  if (!platform.ring(ring)) return {"not known"};
  for (const Key& key : platform.ring(ring)->keys())
    names.push_back(short_name(key.certificate->x509().subject));
  return names;
}

Names links_of(const Platform& platform) {
  Names names;
  if (!platform.ring(Ring::secondary_trusted_keys)) return {"not known"};
  for (const auto& link : platform.ring(Ring::secondary_trusted_keys)->links())
    names.push_back(link->name());
  return names;
}

bool has_note(const Capture& capture, std::string_view part) {
  return std::ranges::any_of(capture.notes,
                             [&](const std::string& note) { return note.contains(part); });
}

Capture capture_of(const HostFolder& host) {
  auto captured = capture_host(host.path());
  EXPECT_TRUE(captured) << describe(captured.error());
  return captured.value_or(Capture());
}

Bytes certificate(const std::string& name) { return rsa_certificate("issuer", name).write(); }

class CaptureTest : public testing::Test {
 protected:
  void SetUp() override { host_.make_debian(); }
  HostFolder host_;
};

TEST_F(CaptureTest, Debian) {
  const Capture capture = capture_of(host_);
  const Platform& platform = capture.platform;
  EXPECT_EQ(platform.kernel, (KernelId{kAnchor61, Variant::debian, Arch::x86_64}));
  EXPECT_EQ(platform.release, "6.1.0-56-amd64");
  EXPECT_EQ(platform.cmdline, "BOOT_IMAGE=/boot/vmlinuz-6.1.0-56-amd64 root=/dev/vda1 ro quiet");
  EXPECT_EQ(platform.config.is_on("CONFIG_KEXEC_SIG"), Truth::yes);
  EXPECT_EQ(platform.state.efi, true);
  EXPECT_EQ(platform.state.secure_boot, true);
  EXPECT_EQ(platform.state.tpm, true);
  EXPECT_EQ(platform.state.lockdown, Lockdown::integrity);
  EXPECT_EQ(platform.state.sig_enforce, true);
  EXPECT_EQ(platform.state.modules_disabled, false);
  EXPECT_EQ(platform.state.kexec_load_disabled, false);
  EXPECT_EQ(platform.state.module_autoload, true);
  EXPECT_EQ(platform.state.mok_list_trusted, true);
  EXPECT_TRUE(platform.has_no(Ring::ima_blacklist));
  EXPECT_TRUE(has_note(capture, "no installed image of 6.1.0-56-amd64"));
  EXPECT_TRUE(has_note(capture, "/proc/keys does not show"));
}

TEST_F(CaptureTest, NothingIsGuessedWhereNothingIsThere) {
  for (const char* part : {"/proc/cmdline", "/sys", "/proc/sys/kernel/modules_disabled",
                           "/proc/sys/kernel/kexec_load_disabled", "/proc/sys/kernel/modprobe",
                           "/boot", "/proc/version"})
    host_.remove(part);
  const Capture capture = capture_of(host_);
  const Platform& platform = capture.platform;
  EXPECT_FALSE(platform.config.is_known());
  EXPECT_EQ(platform.cmdline, std::nullopt);
  const PlatformState& state = platform.state;
  for (const auto& fact : {state.secure_boot, state.trusted_boot, state.ipl_secure,
                           state.sig_enforce, state.mok_list_trusted, state.kexec_load_disabled,
                           state.modules_disabled, state.efi, state.tpm, state.module_autoload})
    EXPECT_EQ(fact, std::nullopt);
  EXPECT_EQ(state.lockdown, std::nullopt);
  EXPECT_EQ(names_in(platform, Ring::builtin_trusted_keys), Names{"not known"});
  EXPECT_EQ(names_in(platform, Ring::platform), Names{"not known"});
  EXPECT_FALSE(platform.secondary_is_complete);
  EXPECT_FALSE(platform.ima.initial_rules);
  EXPECT_GE(capture.notes.size(), 10U);
}

TEST_F(CaptureTest, FailsWithoutARelease) {
  host_.remove("/proc");
  EXPECT_FALSE(capture_host(host_.path()));
}

struct SecureBootCase {
  const char* label;
  Arch arch;
  std::optional<std::uint8_t> secure_boot;
  std::optional<std::uint8_t> setup_mode;
  std::optional<std::uint8_t> shim;
  std::uint8_t shim_attributes;
  bool expected;
};

// efi_get_secureboot_mode, efi_get_secureboot of the stub; kexec-and-pe.md of the specification has
// the same table.
TEST_F(CaptureTest, SecureBootAsTheKernelComputesIt) {
  const SecureBootCase cases[] = {
      {"on", Arch::x86_64, 1, 0, {}, 0, true},
      {"on without SetupMode", Arch::x86_64, 1, {}, {}, 0, true},
      {"off", Arch::x86_64, 0, 0, {}, 0, false},
      {"setup mode", Arch::x86_64, 1, 1, {}, 0, false},
      {"no variable", Arch::x86_64, {}, 0, {}, 0, false},
      {"shim insecure", Arch::x86_64, 1, 0, 1, 6, false},
      {"shim insecure, kept", Arch::x86_64, 1, 0, 1, 7, true},
      {"shim secure", Arch::x86_64, 1, 0, 0, 6, true},
      {"arm64 does not ask shim", Arch::arm64, 1, 0, 1, 6, true},
      {"arm64 off", Arch::arm64, 0, 0, {}, 0, false},
      {"riscv64", Arch::riscv64, 1, 0, 1, 6, true},
  };
  for (const SecureBootCase& one : cases) {
    host_.put("/proc/sys/kernel/arch", one.arch == Arch::x86_64  ? "x86_64\n"
                                       : one.arch == Arch::arm64 ? "aarch64\n"
                                                                 : "riscv64\n");
    host_.remove("/sys/firmware/efi/efivars");
    host_.variable("Boot0000", kGlobalGuid, {0});
    if (one.secure_boot) host_.variable("SecureBoot", kGlobalGuid, {*one.secure_boot}, 6);
    if (one.setup_mode) host_.variable("SetupMode", kGlobalGuid, {*one.setup_mode}, 6);
    if (one.shim) host_.variable("MokSBStateRT", kShimGuid, {*one.shim}, one.shim_attributes);
    EXPECT_EQ(capture_of(host_).platform.state.secure_boot, one.expected) << one.label;
  }
}

TEST_F(CaptureTest, SecureBootOfOtherFirmware) {
  host_.put("/proc/sys/kernel/arch", "s390x\n");
  host_.put("/sys/firmware/ipl/secure", "1\n");
  EXPECT_EQ(capture_of(host_).platform.state.ipl_secure, true);
  host_.put("/sys/firmware/ipl/secure", "0\n");
  EXPECT_EQ(capture_of(host_).platform.state.ipl_secure, false);

  host_.put("/proc/sys/kernel/arch", "ppc64le\n");
  host_.remove("/sys/firmware");
  EXPECT_EQ(capture_of(host_).platform.state.secure_boot, std::nullopt);
  const std::string tree = "/sys/firmware/devicetree/base/";
  host_.put(tree + "model", "x");
  EXPECT_EQ(capture_of(host_).platform.state.secure_boot, false);
  host_.put(tree + "ibm,secure-boot", Bytes{0, 0, 0, 1});
  EXPECT_EQ(capture_of(host_).platform.state.secure_boot, false);
  host_.put(tree + "ibm,secure-boot", Bytes{0, 0, 0, 2});
  EXPECT_EQ(capture_of(host_).platform.state.secure_boot, true);
  host_.remove(tree + "ibm,secure-boot");
  host_.put(tree + "ibm,secureboot/os-secureboot-enforcing", "");
  EXPECT_EQ(capture_of(host_).platform.state.secure_boot, true);
  EXPECT_EQ(capture_of(host_).platform.state.trusted_boot, false);
  host_.put(tree + "ibm,trusted-boot", Bytes{0, 0, 0, 1});
  EXPECT_EQ(capture_of(host_).platform.state.trusted_boot, true);
}

TEST_F(CaptureTest, KeysOfFirmwareGoWhereTheKernelPutsThem) {
  host_.variable("db", kDatabaseGuid, host_.signature_list("x509", certificate("db key")));
  host_.variable("dbx", kDatabaseGuid, host_.signature_list("sha256", Bytes(32, 0xAB)));
  host_.mok_variable("MokListRT", host_.signature_list("x509", certificate("owner key")));
  host_.variable("MokListRT", kShimGuid, host_.signature_list("x509", certificate("not read")));
  host_.variable("MokListXRT", kShimGuid, host_.signature_list("sha256", Bytes(32, 0xCD)));
  const Platform platform = capture_of(host_).platform;
  EXPECT_EQ(names_in(platform, Ring::platform), Names{"db key"});
  EXPECT_EQ(names_in(platform, Ring::machine), Names{"owner key"});
  EXPECT_EQ(links_of(platform), Names{".machine"}) << "built-in keys are not known";
  EXPECT_TRUE(platform.platform_is_complete);
  EXPECT_EQ(platform.signatures.blocklist.entries(),
            (std::set<std::string, std::less<>>{
                "bin:abababababababababababababababababababababababababababababababab",
                "bin:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"}));
}

TEST_F(CaptureTest, WithoutSecureBootOwnersKeysAreNotRead) {
  host_.variable("SecureBoot", kGlobalGuid, {0}, 6);
  host_.put("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
  host_.variable("db", kDatabaseGuid, host_.signature_list("x509", certificate("db key")));
  host_.mok_variable("MokListRT", host_.signature_list("x509", certificate("owner key")));
  host_.variable("MokListXRT", kShimGuid, host_.signature_list("sha256", Bytes(32, 0xCD)));
  const Platform platform = capture_of(host_).platform;
  EXPECT_EQ(names_in(platform, Ring::platform), Names{"db key"});
  EXPECT_EQ(names_in(platform, Ring::machine), Names{});
  EXPECT_TRUE(platform.signatures.blocklist.empty());
}

TEST_F(CaptureTest, OwnersMayHaveDbIgnored) {
  host_.variable("db", kDatabaseGuid, host_.signature_list("x509", certificate("db key")));
  host_.variable("MokIgnoreDB", kShimGuid, {1}, 6);
  EXPECT_EQ(names_in(capture_of(host_).platform, Ring::platform), Names{});
}

TEST_F(CaptureTest, OwnersKeysThatAreNotTrustedGoToPlatform) {
  host_.put("/proc/sys/kernel/osrelease", "7.2.13\n");
  host_.put("/proc/version", "Linux version 7.2.13 (someone@somewhere) #1 SMP\n");
  host_.put("/boot/config-7.2.13", kDebianConfig);
  host_.mok_variable("MokListRT", host_.signature_list("x509", certificate("owner key")));
  Platform platform = capture_of(host_).platform;
  EXPECT_EQ(platform.state.mok_list_trusted, false);
  EXPECT_EQ(names_in(platform, Ring::platform), Names{"owner key"});
  EXPECT_EQ(names_in(platform, Ring::machine), Names{});

  host_.mok_variable("MokListTrustedRT", {1});
  platform = capture_of(host_).platform;
  EXPECT_EQ(platform.state.mok_list_trusted, true);
  EXPECT_EQ(names_in(platform, Ring::machine), Names{"owner key"});

  // restrict_link_by_ca: no CA's key.
  host_.put("/boot/config-7.2.13",
            std::string(kDebianConfig) + "CONFIG_INTEGRITY_CA_MACHINE_KEYRING=y\n");
  platform = capture_of(host_).platform;
  EXPECT_EQ(names_in(platform, Ring::platform), Names{"owner key"});
  EXPECT_EQ(names_in(platform, Ring::machine), Names{});
}

TEST_F(CaptureTest, AppleT2IsNotAsked) {
  host_.variable("db", kDatabaseGuid, host_.signature_list("x509", certificate("db key")));
  host_.put("/sys/class/dmi/id/sys_vendor", "Apple Inc.\n");
  host_.put("/sys/class/dmi/id/product_name", "MacBookPro16,1\n");
  EXPECT_EQ(names_in(capture_of(host_).platform, Ring::platform), Names{});
  host_.put("/sys/class/dmi/id/product_name", "MacBookPro14,1\n");
  EXPECT_EQ(names_in(capture_of(host_).platform, Ring::platform), Names{"db key"});
}

// ima_release_policy (ima_fs.c, 6.1 to 7.2): a kernel that can neither show nor extend its policy
// removes the file once one was written.
TEST_F(CaptureTest, APolicyThatNobodyCanReadLeavesATrace) {
  EXPECT_FALSE(capture_of(host_).platform.ima.policy_is_known) << "securityfs may not be mounted";
  host_.put("/sys/kernel/security/ima/policy_update", "");
  EXPECT_FALSE(capture_of(host_).platform.ima.policy_is_known);
  host_.put("/sys/kernel/security/ima/policy", "");
  const Platform none_loaded = capture_of(host_).platform;
  EXPECT_TRUE(none_loaded.ima.policy_is_known);
  EXPECT_EQ(none_loaded.ima.policy, std::vector<std::string>());
  EXPECT_FALSE(none_loaded.ima.initial_rules) << "an empty file is not an empty policy";
  host_.put("/boot/config-6.1.0-56-amd64",
            std::string(kDebianConfig) + "CONFIG_IMA_WRITE_POLICY=y\n");
  EXPECT_FALSE(capture_of(host_).platform.ima.policy_is_known) << "others may have been added";
}

// With one rule left out the rest would be another policy.
TEST_F(CaptureTest, APolicyWithARuleThatIsNotUnderstoodIsNotKnown) {
  host_.put("/boot/config-6.1.0-56-amd64",
            std::string(kDebianConfig) + "CONFIG_IMA_READ_POLICY=y\n");
  host_.put("/sys/kernel/security/ima/policy", "measure func=BPRM_CHECK\nmeasure func=TOMORROW\n");
  const Capture capture = capture_of(host_);
  EXPECT_FALSE(capture.platform.ima.initial_rules);
  EXPECT_FALSE(capture.platform.ima.policy_is_known);
  EXPECT_TRUE(has_note(capture, "rule 2 is not understood"));
  host_.put("/sys/kernel/security/ima/policy", "measure func=BPRM_CHECK\n");
  EXPECT_EQ(capture_of(host_).platform.ima.initial_rules->size(), 1U);
}

// Lines as proc_keys_show writes them.
std::string ring_line(const std::string& name, int count) {
  return "0a1b2c3d I------     1 perm 1f0b0000     0     0 keyring   " + name + ": " +
         (count == 0 ? "empty" : std::to_string(count)) + "\n";
}

TEST_F(CaptureTest, WhatTheKernelHasMoreThanWasFoundIsKnownToBeThere) {
  host_.variable("db", kDatabaseGuid, host_.signature_list("x509", certificate("db key")));
  const std::string common = ring_line(".builtin_trusted_keys", 1) + ring_line(".machine", 0) +
                             ring_line(".evm", 0) + ring_line(".blacklist", 0);
  host_.put("/proc/keys",
            common + ring_line(".platform", 1) + ring_line(".secondary_trusted_keys", 2));
  Capture capture = capture_of(host_);
  EXPECT_TRUE(capture.platform.platform_is_complete);
  EXPECT_FALSE(capture.platform.secondary_is_complete) << "the built-in key was not found";
  EXPECT_EQ(names_in(capture.platform, Ring::evm), Names{});
  EXPECT_TRUE(capture.platform.has_no(Ring::ima)) << "not shown, so not there";

  host_.put("/proc/keys",
            common + ring_line(".platform", 2) + ring_line(".secondary_trusted_keys", 3) +
                "01e903b3 I------     1 perm 1f030000     0     0 asymmetri added later: 1234: "
                "X509.rsa 1234 []\n" +
                "17973e6a I------     2 perm 09090000     0     0 blacklist bin:570d\n");
  capture = capture_of(host_);
  EXPECT_FALSE(capture.platform.platform_is_complete);
  EXPECT_EQ(names_in(capture.platform, Ring::platform), Names{"db key"});
  EXPECT_TRUE(has_note(capture, "has 1 keys that were added at run time"));
  EXPECT_TRUE(has_note(capture, "added later: 1234"));
  EXPECT_TRUE(capture.platform.signatures.blocklist.entries().contains("bin:570d"));
}

// ---- files -------------------------------------------------------------------------------------

Names ring_text(const Keyring* ring) {
  if (ring == nullptr) return {"not known"};
  Names text;
  for (const Key& key : ring->keys())
    text.push_back(to_hex(key.certificate->x509().raw.bytes()) +
                   (key.usable == KeyState::good ? "" : " not good") +
                   (key.builtin ? " builtin" : ""));
  for (const auto& link : ring->links()) text.push_back("link " + link->name());
  return text;
}

// Everything that a verdict can depend on.
void expect_equal(const Platform& a, const Platform& b) {
  EXPECT_EQ(a.kernel, b.kernel);
  EXPECT_EQ(a.release, b.release);
  EXPECT_EQ(a.config.is_known(), b.config.is_known());
  EXPECT_EQ(a.config.values(), b.config.values());
  EXPECT_EQ(a.cmdline, b.cmdline);
  EXPECT_EQ(a.state.secure_boot, b.state.secure_boot);
  EXPECT_EQ(a.state.trusted_boot, b.state.trusted_boot);
  EXPECT_EQ(a.state.ipl_secure, b.state.ipl_secure);
  EXPECT_EQ(a.state.lockdown, b.state.lockdown);
  EXPECT_EQ(a.state.sig_enforce, b.state.sig_enforce);
  EXPECT_EQ(a.state.mok_list_trusted, b.state.mok_list_trusted);
  EXPECT_EQ(a.state.kexec_load_disabled, b.state.kexec_load_disabled);
  EXPECT_EQ(a.state.modules_disabled, b.state.modules_disabled);
  EXPECT_EQ(a.state.efi, b.state.efi);
  EXPECT_EQ(a.state.tpm, b.state.tpm);
  EXPECT_EQ(a.state.module_autoload, b.state.module_autoload);
  EXPECT_EQ(a.state.device_tree, b.state.device_tree);
  EXPECT_EQ(a.signatures.blocklist.entries(), b.signatures.blocklist.entries());
  EXPECT_EQ(a.signatures.crypto.hashes, b.signatures.crypto.hashes);
  EXPECT_EQ(a.signatures.crypto.rsa, b.signatures.crypto.rsa);
  for (std::size_t i = 0; i < kRingCount; ++i)
    EXPECT_EQ(ring_text(a.rings[i].get()), ring_text(b.rings[i].get()))
        << ring_name(static_cast<Ring>(i));
  EXPECT_EQ(a.absent, b.absent);
  EXPECT_EQ(a.secondary_is_complete, b.secondary_is_complete);
  EXPECT_EQ(a.platform_is_complete, b.platform_is_complete);
  EXPECT_EQ(ring_text(a.revoked.get()), ring_text(b.revoked.get()));
  EXPECT_EQ(a.ima.policy, b.ima.policy);
  EXPECT_EQ(a.ima.policy_is_known, b.ima.policy_is_known);
  EXPECT_EQ(a.ima.appraise, b.ima.appraise);
  EXPECT_EQ(a.ima.builtin_names, b.ima.builtin_names);
  EXPECT_EQ(a.ima.initial_rules, b.ima.initial_rules);
  EXPECT_EQ(a.filesystems.size(), b.filesystems.size());
  EXPECT_EQ(a.subject.uid, b.subject.uid);
  EXPECT_EQ(a.module_hashes, b.module_hashes);
}

void expect_round_trip(const Capture& capture) {
  const TemporaryFolder out;
  for (const std::string& path : {out / "folder", out / "named.toml"}) {
    const auto written = write_platform(capture.platform, capture.notes, path);
    ASSERT_TRUE(written) << describe(written.error());
    PlatformInputs images;
    const auto read = load_platform(*written, images);
    ASSERT_TRUE(read) << describe(read.error());
    expect_equal(capture.platform, *read);
  }
}

TEST_F(CaptureTest, ModuleHashesAreReadBackEqual) {
  Capture capture = capture_of(host_);
  ModuleRoot root{12, {}};
  root.hash.bytes[31] = 0x16;
  for (const auto format : {ModuleHashesFormat::list_v3, ModuleHashesFormat::merkle_v4,
                            ModuleHashesFormat::merkle_v5}) {
    capture.platform.module_hashes = ModuleHashes{format, {}, {}};
    expect_round_trip(capture);
    if (capture.platform.module_hashes->is_list())
      capture.platform.module_hashes->list = {FileSha256{1, 2}, FileSha256{3}};
    else
      capture.platform.module_hashes->root = root;
    expect_round_trip(capture);
  }
}

TEST_F(CaptureTest, IsReadBackEqual) {
  expect_round_trip(capture_of(host_));
  host_.put("/boot/config-6.1.0-56-amd64", std::string(kDebianConfig) +
                                               "CONFIG_SYSTEM_REVOCATION_LIST=y\n"
                                               "CONFIG_CMDLINE=\"a \\\"b\\\" c\"\n"
                                               "CONFIG_NR_CPUS=64\n");
  host_.variable("db", kDatabaseGuid, host_.signature_list("x509", certificate("db key")));
  host_.variable("dbx", kDatabaseGuid,
                 der::join({host_.signature_list("sha256", Bytes(32, 0xAB)),
                            host_.signature_list("x509", certificate("revoked"))}));
  host_.mok_variable("MokListRT", host_.signature_list("x509", certificate("owner key")));
  expect_round_trip(capture_of(host_));
  host_.put(
      "/boot/config-6.1.0-56-amd64",
      std::string(kDebianConfig) + "CONFIG_SYSTEM_REVOCATION_LIST=y\nCONFIG_IMA_READ_POLICY=y\n");
  host_.put("/sys/kernel/security/ima/policy",
            "measure func=MODULE_CHECK\nappraise func=KEXEC_KERNEL_CHECK appraise_type=imasig\n");
  const Capture full = capture_of(host_);
  ASSERT_EQ(names_in(full.platform, Ring::machine), Names{"owner key"});
  ASSERT_EQ(full.platform.revoked->keys().size(), 1U);
  ASSERT_EQ(full.platform.ima.initial_rules->size(), 2U);
  expect_round_trip(full);

  // A state that the configuration contradicts, as an odd host may have it.
  host_.put("/proc/cmdline", "module.sig_enforce=1\n");
  host_.put("/sys/module/module/parameters/sig_enforce", "N\n");
  expect_round_trip(capture_of(host_));

  host_.remove("/sys");
  host_.remove("/boot");
  expect_round_trip(capture_of(host_));

  host_.put("/proc/sys/kernel/arch", "ppc64le\n");
  host_.put("/sys/firmware/devicetree/base/ibm,secure-boot", Bytes{0, 0, 0, 2});
  expect_round_trip(capture_of(host_));
}

TEST(CaptureConfig, NamesVersionAndArchitecture) {
  const TemporaryFolder folder;
  write_file(folder / "config", bytes_of("#\n# Automatically generated file; DO NOT EDIT.\n"
                                         "# Linux/arm64 6.12.117 Kernel Configuration\n#\n"
                                         "CONFIG_ARM64=y\nCONFIG_MODULE_SIG=y\n"
                                         "CONFIG_BUILD_SALT=\"6.12.117+deb12-arm64\"\n"));
  const auto capture = capture_config(folder / "config");
  ASSERT_TRUE(capture) << describe(capture.error());
  EXPECT_EQ(capture->platform.kernel, (KernelId{kAnchor612, Variant::debian, Arch::arm64}));
  EXPECT_EQ(capture->platform.release, "6.12.117+deb12-arm64");
  EXPECT_TRUE(capture->platform.has_no(Ring::machine));
  EXPECT_EQ(names_in(capture->platform, Ring::builtin_trusted_keys), Names{"not known"});
  expect_round_trip(*capture);

  write_file(folder / "other", bytes_of("CONFIG_ARM64=y\n"));
  EXPECT_FALSE(capture_config(folder / "other")) << "no version";
}

}  // namespace
}  // namespace assay
