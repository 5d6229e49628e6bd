// A host with Debian's kernel installed, booted with Secure Boot, and modules of its owner: signed
// by OpenSSL as scripts/sign-file signs them, enrolled or not.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kMarker = "~Module signature appended~\n";
constexpr const char* kShim = "605dab50-e046-4300-abb6-3dd810dd8b23";
constexpr const char* kGlobal = "8be4df61-93ca-11d2-aa0d-00e098032b8c";

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

// struct module_signature with id_type PKCS#7, the length of the message, the marker.
Bytes with_signature(Bytes module, const Bytes& message) {
  append(module, message);
  append(module, {0, 0, 2, 0, 0, 0, 0, 0});
  const std::size_t size = message.size();
  for (const int shift : {24, 16, 8, 0}) module.push_back(static_cast<std::uint8_t>(size >> shift));
  append(module, bytes(kMarker));
  return module;
}

// What precedes the signature.
Bytes without_signature(const Bytes& module) {
  const std::size_t block = module.size() - kMarker.size() - 12;
  std::size_t size = 0;
  for (std::size_t i = 8; i < 12; ++i) size = size << 8 | module[block + i];
  return {module.begin(), module.begin() + static_cast<std::ptrdiff_t>(block - size)};
}

class DoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("ASSAY_KERNELS");
    ASSERT_NE(folder, nullptr);
    std::string package;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("linux-image-6.1.") && name.find("-cloud-amd64_") != name.npos)
        package = entry.path().string();
    }
    ASSERT_FALSE(package.empty());
    const std::string name = fs::path(package).filename().string();
    release_ = name.substr(12, name.find('_') - 12);
    modules_ = "lib/modules/" + release_;
    const Finished unpacked =
        run_command({"sh", "-c",
                     "dpkg-deb --fsys-tarfile \"$1\" | tar -x -C \"$2\" ./boot ./" + modules_ +
                         "/kernel/drivers/block",
                     "sh", package, root_.path().string()});
    ASSERT_EQ(unpacked.status, 0) << unpacked.error;
    file("proc/sys/kernel/osrelease", bytes(release_ + "\n"));
    file("proc/version",
         bytes("Linux version " + release_ + " (debian-kernel@lists.debian.org) #1 SMP\n"));
    file("proc/cmdline", bytes("quiet\n"));
    file("proc/sys/kernel/modules_disabled", bytes("0\n"));
    file("proc/sys/kernel/kexec_load_disabled", bytes("0\n"));
    file("proc/sys/kernel/modprobe", bytes("/sbin/modprobe\n"));
    file("sys/kernel/security/lockdown", bytes("none [integrity] confidentiality\n"));
    file("sys/kernel/security/ima/policy", {});
    file("sys/module/module/parameters/sig_enforce", bytes("Y\n"));
    file("sys/class/tpm/x", {});
    file("etc/os-release", bytes("ID=debian\n"));
    variable("SecureBoot", kGlobal, {1});
    variable("SetupMode", kGlobal, {0});
    make_owner();
    count_keys("2");
  }

  void file(const std::string& name, const Bytes& content) { write_file(root_ / name, content); }
  void variable(const std::string& name, const char* guid, const Bytes& data) {
    Bytes content{6, 0, 0, 0};
    append(content, data);
    file("sys/firmware/efi/efivars/" + name + "-" + guid, content);
  }
  // /proc/keys: the keyrings, and as many keys as they have.
  void count_keys(const std::string& machine) {
    std::string text;
    const auto ring = [&](const std::string& name, const std::string& number) {
      text += "0a1b2c3d I------     1 perm 1f0b0000     0     0 keyring   " + name + ": " + number +
              "\n";
    };
    const Ran shown = run_assay({"platform", "show", "--json", "--root", root_.path().string()});
    std::size_t builtin = 0;
    for (const Json& one : shown.lines().front()["keyrings"])
      if (one["ring"] == ".builtin_trusted_keys") builtin = one["certificates"].size();
    ring(".builtin_trusted_keys", std::to_string(builtin));
    ring(".secondary_trusted_keys", "2");
    ring(".machine", machine);
    ring(".platform", "empty");
    ring(".blacklist", "empty");
    file("proc/keys", bytes(text));
  }

  void make_owner() {
    const std::string folder = root_ / "var/lib/dkms";
    fs::create_directories(folder);
    const Finished made =
        run_command({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                     "-subj", "/CN=DKMS module signing key", "-keyout", folder + "/mok.key",
                     "-outform", "DER", "-out", folder + "/mok.pub"});
    ASSERT_EQ(made.status, 0) << made.error;
  }
  Bytes sign(const Bytes& module) {
    const std::string folder = root_ / "var/lib/dkms";
    write_file(root_ / "tool/in", module);
    const Finished pem = run_command({"openssl", "x509", "-inform", "DER", "-in",
                                      folder + "/mok.pub", "-out", root_ / "tool/cert.pem"});
    EXPECT_EQ(pem.status, 0) << pem.error;
    const Finished made =
        run_command({"openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", "sha256",
                     "-signer", root_ / "tool/cert.pem", "-inkey", folder + "/mok.key", "-in",
                     root_ / "tool/in", "-outform", "DER", "-out", root_ / "tool/out"});
    EXPECT_EQ(made.status, 0) << made.error;
    return with_signature(module, read_file(root_ / "tool/out"));
  }
  // As MokListRT has it, in shim's table.
  void enrol_owner() {
    const Finished made =
        run_command({"sbsiglist", "--owner", "11111111-2222-3333-4444-123456789abc", "--type",
                     "x509", "--output", root_ / "list", root_ / "var/lib/dkms/mok.pub"});
    ASSERT_EQ(made.status, 0) << made.error;
    file("sys/firmware/efi/mok-variables/MokListRT", read_file(root_ / "list"));
    count_keys("1");
  }
  void put_module(const std::string& name, const Bytes& content) {
    file(modules_ + "/updates/dkms/" + name, content);
  }
  Bytes loop() { return read_file(root_ / (modules_ + "/kernel/drivers/block/loop.ko")); }

  Ran run() { return run_assay({"doctor", "--json", "--root", root_.path().string()}); }
  static Json find(const Ran& ran, const std::string& end) { return ran.artifact(end); }

  TemporaryFolder root_;
  std::string release_;
  std::string modules_;
};

TEST_F(DoctorTest, WhatCameWithTheKernelLoads) {
  count_keys("empty");
  const Ran ran = run();
  int modules = 0;
  for (const Json& line : ran.lines()) {
    if (line["schema"] != "assay.verdict/1" || line["request"] != "module") continue;
    EXPECT_EQ(line["prognosis"], "loads") << line;
    EXPECT_EQ(line["held_by"], Json::array({".builtin_trusted_keys"})) << line;
    EXPECT_TRUE(line["fix"].is_null());
    ++modules;
  }
  EXPECT_GT(modules, 5);
}

// Debian signs its kernels with a certificate of its CA, which shim brings along as a MOK; where it
// does not, the kernel refuses its own image.
TEST_F(DoctorTest, TheKernelsImageWantsTheKeyOfItsSigner) {
  count_keys("empty");
  const Json image = find(run(), "vmlinuz-" + release_);
  EXPECT_EQ(image["request"], "kexec");
  EXPECT_EQ(image["prognosis"], "rejected");
  EXPECT_EQ(image["errno"], "ENOKEY");
  EXPECT_NE(image["wants"]["issuer"].get<std::string>().find("Debian Secure Boot CA"),
            std::string::npos);
  EXPECT_EQ(image["held_by"], Json::array());
}

TEST_F(DoctorTest, ModulesOfTheOwner) {
  const Bytes plain = without_signature(loop());
  put_module("unsigned.ko", plain);
  put_module("signed.ko", sign(plain));
  count_keys("empty");
  Ran ran = run();
  EXPECT_EQ(ran.status, 1);
  Json one = find(ran, "/unsigned.ko");
  EXPECT_EQ(one["prognosis"], "rejected");
  EXPECT_TRUE(one["wants"].is_null());
  EXPECT_EQ(one["fix"]["command"], "mokutil --import /var/lib/dkms/mok.pub");
  one = find(ran, "/signed.ko");
  EXPECT_EQ(one["prognosis"], "rejected");
  EXPECT_NE(one["wants"]["issuer"].get<std::string>().find("DKMS module signing key"),
            std::string::npos);
  EXPECT_EQ(one["held_by"], Json::array({"/var/lib/dkms/mok.pub"}));
  EXPECT_EQ(one["fix"]["command"], "mokutil --import /var/lib/dkms/mok.pub");

  variable("MokNew", kShim, {1});
  EXPECT_EQ(find(run(), "/signed.ko")["fix"]["command"], "systemctl reboot");

  enrol_owner();
  ran = run();
  one = find(ran, "/signed.ko");
  EXPECT_EQ(one["prognosis"], "loads") << one;
  EXPECT_EQ(one["held_by"], Json::array({".machine", "/var/lib/dkms/mok.pub"}));
  EXPECT_TRUE(one["fix"].is_null());
  one = find(ran, "/unsigned.ko");
  EXPECT_EQ(one["prognosis"], "rejected");
  EXPECT_NE(one["fix"]["command"].get<std::string>().find("sign-file sha256"), std::string::npos);

  // The command does what it says.
  put_module("unsigned.ko", sign(plain));
  EXPECT_EQ(find(run(), "/unsigned.ko")["prognosis"], "loads");
}

TEST_F(DoctorTest, DamagedModules) {
  Bytes damaged = loop();
  damaged[damaged.size() / 2] ^= 1;
  file(modules_ + "/kernel/drivers/block/loop.ko", damaged);
  const Json one = find(run(), "/loop.ko");
  EXPECT_EQ(one["prognosis"], "rejected");
  EXPECT_EQ(one["errno"], "EKEYREJECTED");
  EXPECT_EQ(one["fix"]["command"], "apt-get install --reinstall linux-image-" + release_);
}

TEST_F(DoctorTest, WithoutEnforcementUnsignedModulesTaint) {
  file("sys/kernel/security/lockdown", bytes("[none] integrity confidentiality\n"));
  file("sys/module/module/parameters/sig_enforce", bytes("N\n"));
  variable("SecureBoot", kGlobal, {0});
  put_module("unsigned.ko", without_signature(loop()));
  count_keys("empty");
  const Ran ran = run();
  const Json one = find(ran, "/unsigned.ko");
  EXPECT_EQ(one["prognosis"], "taints");
  EXPECT_NE(one.value("taint", "").find('E'), std::string::npos);
  EXPECT_EQ(ran.status, 0) << ran.error;
}

TEST_F(DoctorTest, WhatIsNotKnownIsNotCalledRejected) {
  fs::remove(root_ / "proc/keys");
  put_module("signed.ko", sign(without_signature(loop())));
  const Json one = find(run(), "/signed.ko");
  EXPECT_EQ(one["prognosis"], "unknown") << "keys may have been added at run time";
  EXPECT_TRUE(one["fix"]["command"].is_null());
}

TEST_F(DoctorTest, TextSaysTheSame) {
  put_module("signed.ko", sign(without_signature(loop())));
  count_keys("empty");
  const Ran ran = run_assay({"doctor", "--root", root_.path().string()});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.out.find("modules signed by"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("$ mokutil --import /var/lib/dkms/mok.pub"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace assay
