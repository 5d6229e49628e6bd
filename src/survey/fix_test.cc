// The one command for each way in which a kernel rejects a module or an image.

#include "survey/fix.h"

#include <gtest/gtest.h>

#include "judge/rules.h"
#include "signatures/test_keys.h"

namespace assay {
namespace {

std::shared_ptr<const PreparedCertificate> certificate_of(const std::string& name) {
  return PreparedCertificate::own(test::rsa_certificate("issuer", name).write());
}

class FixTest : public testing::Test {
 protected:
  void SetUp() override {
    platform_.kernel = {kAnchor61, Variant::debian, Arch::x86_64};
    platform_.release = "6.1.0-56-amd64";
    platform_.state.efi = true;
    platform_.state.secure_boot = true;
    layout_.packages = PackageManager::apt;
    layout_.owners_keys.push_back({"/var/lib/dkms/mok.pub", "/var/lib/dkms/mok.key", owner_});
    inside_ = "/lib/modules/6.1.0-56-amd64/updates/dkms/r8126.ko.xz";
    diagnosis_.request = "module";
    diagnosis_.judged.verdict.decision = Decision::refused;
  }

  void refuse(const Rule& rule) {
    diagnosis_.judged.verdict.deciding = &rule;
    diagnosis_.judged.verdict.err = rule.otherwise;
    Step step;
    step.rule = &rule;
    step.finding = Finding::fails;
    step.err = rule.otherwise;
    diagnosis_.judged.verdict.steps = {step};
  }
  // Puts the owner's certificate into a ring, .machine linked to .secondary_trusted_keys.
  void enrol(Ring name) {
    auto ring = std::make_shared<Keyring>(std::string(ring_name(name)));
    ring->add({owner_, {}, KeyState::good, false, "MokListRT"});
    platform_.ring(name) = ring;
    auto secondary = std::make_shared<Keyring>(".secondary_trusted_keys");
    secondary->link(platform_.ring(Ring::machine));
    platform_.ring(Ring::secondary_trusted_keys) = secondary;
  }
  Fix fix(bool by_owner = false) {
    return find_fix(diagnosis_,
                    {platform_, layout_, by_owner ? &layout_.owners_keys[0] : nullptr, inside_});
  }

  std::shared_ptr<const PreparedCertificate> owner_ = certificate_of("DKMS module signing key");
  Platform platform_;
  HostLayout layout_;
  Diagnosis diagnosis_;
  std::string inside_;
};

TEST_F(FixTest, UnsignedByDkms) {
  refuse(rules::module_sig::marker);
  EXPECT_EQ(fix().command, "mokutil --import /var/lib/dkms/mok.pub");
  layout_.enrolment_pending = true;
  EXPECT_EQ(fix().command, "systemctl reboot");
  layout_.enrolment_pending = false;

  enrol(Ring::machine);
  EXPECT_EQ(fix().command,
            "unxz /lib/modules/6.1.0-56-amd64/updates/dkms/r8126.ko.xz && "
            "/usr/src/linux-headers-6.1.0-56-amd64/scripts/sign-file sha256 /var/lib/dkms/mok.key "
            "/var/lib/dkms/mok.pub /lib/modules/6.1.0-56-amd64/updates/dkms/r8126.ko && "
            "xz --check=crc32 /lib/modules/6.1.0-56-amd64/updates/dkms/r8126.ko");
  layout_.dkms.push_back({"r8126", "10.016", "r8126.ko"});
  EXPECT_EQ(fix().command,
            "dkms build --force r8126/10.016 -k 6.1.0-56-amd64 && dkms install --force "
            "r8126/10.016 -k 6.1.0-56-amd64");
}

// A module of staging, and one of a vendor, both with good signatures.
TEST_F(FixTest, TaintsThatNoSignatureHelps) {
  diagnosis_.judged.verdict.decision = Decision::allowed_tainted;
  diagnosis_.judged.taint = "C";
  EXPECT_EQ(fix().command, "");
  EXPECT_TRUE(fix().why.contains("drivers/staging"));
  diagnosis_.judged.taint = "PO";
  EXPECT_TRUE(fix().why.contains("license") && fix().why.contains("out of tree"));
  diagnosis_.judged.taint = "OE";
  refuse(rules::module_sig::marker);
  EXPECT_NE(fix().command, "");
}

TEST_F(FixTest, UnsignedAndNothingToSignWith) {
  refuse(rules::module_sig::marker);
  layout_.owners_keys.clear();
  EXPECT_EQ(fix().command, "");
  EXPECT_TRUE(fix().why.contains("no key on this host"));
}

TEST_F(FixTest, UnsignedInTheKernelsOwnTree) {
  refuse(rules::module_sig::marker);
  inside_ = "/lib/modules/6.1.0-56-amd64/kernel/fs/ext4.ko";
  EXPECT_EQ(fix().command, "apt-get install --reinstall linux-image-6.1.0-56-amd64");
  layout_.packages = PackageManager::dnf;
  EXPECT_EQ(fix().command, "dnf reinstall kernel-core-6.1.0-56-amd64");
  layout_.packages = PackageManager::unknown;
  EXPECT_EQ(fix().command, "");
}

TEST_F(FixTest, SignedByTheOwnerWhoIsNotEnrolled) {
  refuse(rules::pkcs7::trusted_key);
  EXPECT_EQ(fix(true).command, "mokutil --import /var/lib/dkms/mok.pub");
  layout_.owners_keys[0].certificate_path = "/etc/my keys/owner's.der";
  EXPECT_EQ(fix(true).command, "mokutil --import '/etc/my keys/owner'\\''s.der'");
}

// The kernel reads MOKs with Secure Boot on only: to enrol the key does not help then.
TEST_F(FixTest, NoCommandThatWouldNotHelp) {
  refuse(rules::pkcs7::trusted_key);
  platform_.state.secure_boot = false;
  EXPECT_EQ(fix(true).command, "");
  EXPECT_TRUE(fix(true).why.contains("Secure Boot off"));
  platform_.state.efi = false;
  EXPECT_EQ(fix(true).command, "");
}

TEST_F(FixTest, EnrolledAndNotTrusted) {
  refuse(rules::pkcs7::trusted_key);
  enrol(Ring::platform);
  platform_.kernel = {kAnchor72, Variant::mainline, Arch::x86_64};
  EXPECT_EQ(fix(true).command, "mokutil --trust-mok");
}

TEST_F(FixTest, UnknownSigner) {
  refuse(rules::pkcs7::trusted_key);
  layout_.dkms.push_back({"r8126", "10.016", "r8126.ko"});
  EXPECT_TRUE(fix().command.starts_with("dkms build --force r8126/10.016"));
  inside_ = "/lib/modules/6.1.0-56-amd64/kernel/fs/ext4.ko";
  EXPECT_EQ(fix().command, "apt-get install --reinstall linux-image-6.1.0-56-amd64");
}

// Signed by somebody else, and by nobody whose tree it came from.
TEST_F(FixTest, ForeignModules) {
  refuse(rules::pkcs7::trusted_key);
  EXPECT_EQ(fix().command, "");
  EXPECT_TRUE(fix().why.contains("enrol its signer's certificate")) << fix().why;
  enrol(Ring::machine);
  EXPECT_TRUE(fix().command.contains("scripts/sign-file sha256 /var/lib/dkms/mok.key"));
  // A copy of the kernel's own module that was changed.
  refuse(rules::pkcs7::trusted_signature);
  EXPECT_TRUE(fix().why.contains("build it again")) << fix().why;
  diagnosis_.held_by = {".builtin_trusted_keys"};
  EXPECT_EQ(fix().command, "apt-get install --reinstall linux-image-6.1.0-56-amd64");
}

TEST_F(FixTest, ImagesOfOtherPackagesAndOfNone) {
  refuse(rules::pe_sig::signed_);
  diagnosis_.request = "kexec";
  inside_ = "/boot/vmlinuz-6.12.117+deb12-amd64";
  EXPECT_EQ(fix().command, "apt-get install --reinstall linux-image-6.12.117+deb12-amd64");
  inside_ = "/boot/vmlinuz-mine";
  EXPECT_EQ(fix().command, "");
}

TEST_F(FixTest, ImageOfAnUnknownSigner) {
  refuse(rules::pkcs7::trusted_key);
  diagnosis_.request = "kexec";
  inside_ = "/boot/vmlinuz-6.1.0-56-amd64";
  EXPECT_EQ(fix().command, "") << "to install it again changes no keyring";
  platform_.state.secure_boot = false;
  EXPECT_TRUE(fix().why.contains("Secure Boot off"));
}

TEST_F(FixTest, OtherReasons) {
  struct Case {
    const Rule& rule;
    const char* command;
  };
  const Case cases[] = {
      {rules::module_load::modules_enabled, "systemctl reboot"},
      {rules::kexec::permitted, "systemctl reboot"},
      {rules::kexec::has_file_load, ""},
      {rules::module_load::not_denied, ""},
      {rules::pkcs7::revoked, "apt-get upgrade"},
      {rules::module_sig::file_hash, "apt-get upgrade"},
      {rules::module_load::vermagic, "apt-get install --reinstall linux-image-6.1.0-56-amd64"},
      {rules::pkcs7::trusted_signature, "apt-get install --reinstall linux-image-6.1.0-56-amd64"},
  };
  inside_ = "/lib/modules/6.1.0-56-amd64/kernel/fs/ext4.ko";
  for (const Case& one : cases) {
    refuse(one.rule);
    EXPECT_EQ(fix().command, one.command) << one.rule.id;
    EXPECT_FALSE(fix().why.empty()) << one.rule.id;
  }
}

TEST_F(FixTest, ImageWithoutSignature) {
  refuse(rules::pe_sig::signed_);
  diagnosis_.request = "kexec";
  inside_ = "/boot/vmlinuz-6.1.0-56-amd64";
  EXPECT_EQ(fix().command, "apt-get install --reinstall linux-image-6.1.0-56-amd64");
  layout_.owners_keys[0].certificate_path = "/var/lib/shim-signed/mok/MOK.der";
  layout_.owners_keys[0].key_path = "/var/lib/shim-signed/mok/MOK.priv";
  enrol(Ring::machine);
  EXPECT_EQ(fix().command,
            "sbsign --key /var/lib/shim-signed/mok/MOK.priv --cert "
            "/var/lib/shim-signed/mok/MOK.pem --output /boot/vmlinuz-6.1.0-56-amd64 "
            "/boot/vmlinuz-6.1.0-56-amd64");
}

// The signature check's own reason counts, not that lockdown then refuses.
TEST_F(FixTest, LooksBehindLockdown) {
  refuse(rules::pkcs7::trusted_key);
  Step locked;
  locked.rule = &rules::module_sig::lockdown;
  locked.finding = Finding::fails;
  diagnosis_.judged.verdict.steps.push_back(locked);
  diagnosis_.judged.verdict.deciding = &rules::module_sig::lockdown;
  EXPECT_EQ(fix(true).command, "mokutil --import /var/lib/dkms/mok.pub");
}

}  // namespace
}  // namespace assay
