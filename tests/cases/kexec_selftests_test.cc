// The kernel's own tests of kexec, tools/testing/selftests/kexec/test_kexec_file_load.sh and
// test_kexec_load.sh (6.1 and 7.2 alike): on every machine that their conditions can describe, what
// we say that the kernel does is what the script passes. Keys and signatures are made by openssl,
// sbsign and evmctl, as an administrator would for these scripts.

#include <gtest/gtest.h>

#include <map>

#include "bytes/content.h"
#include "ima/platform_ima.h"
#include "judge/kexec.h"
#include "testing/elf_sample.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"
#include "trust/add_key.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

// A bzImage that is a PE image, as x86 kernels are (Documentation/arch/x86/boot.rst, PE/COFF 3).
Bytes bzimage() {
  Bytes image(0x1000, 0x90);
  std::fill_n(image.begin(), 0x400, 0);
  put(image, 0, 0x5A4D, 2);
  constexpr std::size_t kPe = 0x280;
  put(image, 0x3C, kPe, 4);
  put(image, 0x1F1, 1, 1);
  put(image, 0x1FE, 0xAA55, 2);
  put(image, 0x202, 0x53726448, 4);
  put(image, 0x206, 0x020F, 2);
  put(image, 0x211, 1, 1);
  put(image, 0x236, 3, 2);
  put(image, kPe, 0x4550, 4);
  put(image, kPe + 4, 0x8664, 2);
  put(image, kPe + 6, 1, 2);             // sections
  put(image, kPe + 20, 112 + 6 * 8, 2);  // SizeOfOptionalHeader
  put(image, kPe + 22, 0x0206, 2);
  const std::size_t optional = kPe + 24;
  put(image, optional, 0x20B, 2);
  put(image, optional + 32, 0x200, 4);  // SectionAlignment
  put(image, optional + 36, 0x200, 4);  // FileAlignment
  put(image, optional + 56, 0x1000, 4);
  put(image, optional + 60, 0x400, 4);
  put(image, optional + 68, 10, 2);
  put(image, optional + 108, 6, 4);
  const std::size_t section = optional + 112 + 6 * 8;
  std::ranges::copy(std::string_view(".text"), image.begin() + section);
  put(image, section + 8, 0xC00, 4);
  put(image, section + 12, 0x400, 4);
  put(image, section + 16, 0xC00, 4);
  put(image, section + 20, 0x400, 4);
  put(image, section + 36, 0x60000020, 4);
  return image;
}

Bytes power_elf() {
  ElfSample elf(true, false);
  elf.type = 2;
  elf.machine = 21;
  elf.segments.push_back({1, 0, 0, 64});
  return elf.write();
}

// What the scripts find out about a machine before they load the image.
struct Machine {
  bool secureboot = false;
  bool arch_policy = false;         // CONFIG_IMA_ARCH_POLICY; powerpc: CONFIG_PPC_SECURE_BOOT
  bool kexec_sig = false;           // CONFIG_KEXEC_SIG, on which the next two depend
  bool kexec_sig_required = false;  // CONFIG_KEXEC_SIG_FORCE
  bool pe_sig_required = false;     // CONFIG_KEXEC_BZIMAGE_VERIFY_SIG
  bool ima_appraise = false;
  bool ima_read_policy = false;
  bool require_kexec_sigs = false;  // CONFIG_IMA_APPRAISE_REQUIRE_KEXEC_SIGS
  bool locked_down = false;         // not looked at by the scripts
  bool platform_keyring = false;
  std::string policy;  // custom; empty: none was loaded

  bool can_be() const {
    if ((kexec_sig_required || pe_sig_required) && !kexec_sig) return false;
    return ima_appraise || (!require_kexec_sigs && policy.empty() && !arch_policy);
  }
  // is_ima_sig_required. The policy that the script reads is the one in force.
  bool ima_sig_required() const {
    return require_kexec_sigs ||
           (ima_read_policy && policy.find("KEXEC_KERNEL_CHECK") != policy.npos);
  }
};

struct Image {
  std::string name;
  KexecEvidence evidence;
  ImaEvidence ima;
  bool pe_signed = false;
  bool ima_signed = false;
  bool ima_modsig = false;
};

struct Said {
  bool passes;
  std::string text;
};

// kexec_file_load_test.
Said file_load_script(const Machine& on, const Image& image, const Verdict& verdict) {
  const bool wants_pe = (on.kexec_sig_required || on.pe_sig_required) && !image.pe_signed;
  const bool wants_ima = on.ima_sig_required() && !image.ima_signed;
  const bool perhaps_ima = !on.pe_sig_required && on.ima_appraise && !on.ima_sig_required() &&
                           !image.ima_signed && !on.ima_read_policy;
  if (verdict.err == Errno::none) {
    if (on.secureboot && on.arch_policy && !image.ima_signed && !image.pe_signed &&
        !image.ima_modsig)
      return {false, "missing sig"};
    if (wants_pe) return {false, "missing PE sig"};
    if (wants_ima && !image.ima_modsig) return {false, "missing IMA sig"};
    if (perhaps_ima) return {false, "possibly missing IMA sig"};
    return {true, "succeeded"};
  }
  if (verdict.err == Errno::enokey) return {true, "-ENOKEY"};
  if (wants_pe) return {true, "failed, missing PE sig"};
  if (wants_ima) return {true, "failed, missing IMA sig"};
  if (perhaps_ima) return {true, "failed, possibly missing IMA sig"};
  return {true, "failed"};
}

// test_kexec_load.sh.
bool kexec_load_script(const Machine& on, const Verdict& verdict) {
  return (verdict.err == Errno::none) != (on.secureboot && on.arch_policy);
}

class KexecSelftests : public testing::TestWithParam<KernelVersion> {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    const auto run = [](const std::vector<std::string>& command) {
      const Finished done = run_command(command);
      ASSERT_EQ(done.status, 0) << command[0] << " " << command[1] << ": " << done.error;
    };
    const std::string key = *folder_ / "key.pem";
    const std::string certificate = *folder_ / "cert.pem";
    run({"openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
         certificate, "-subj", "/CN=kexec", "-days", "3650", "-addext", "keyUsage=digitalSignature",
         "-addext", "extendedKeyUsage=codeSigning"});
    run({"openssl", "x509", "-in", certificate, "-outform", "DER", "-out", *folder_ / "cert.der"});
    for (const bool pe : {false, true}) {
      for (const bool modsig : {false, true}) {
        const std::string path =
            *folder_ / (std::string("image") + (pe ? "-pe" : "") + (modsig ? "-modsig" : ""));
        write_file(path, bzimage());
        if (pe) run({"sbsign", "--key", key, "--cert", certificate, "--output", path, path});
        if (modsig) append_signature(path, key, certificate, run);
        add_images(images_, path, pe, modsig, key, run);
        if (pe) continue;
        write_file(path + ".elf", power_elf());
        if (modsig) append_signature(path + ".elf", key, certificate, run);
        add_images(power_images_, path + ".elf", false, modsig, key, run);
      }
    }
  }
  static void TearDownTestSuite() {
    images_.clear();
    power_images_.clear();
    delete folder_;
  }

  // What the kernel's sign-file appends: a message without attributes, the block, the marker.
  template <class Run>
  static void append_signature(const std::string& path, const std::string& key,
                               const std::string& certificate, const Run& run) {
    run({"openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-nosmimecap", "-md",
         "sha256", "-outform", "DER", "-in", path, "-signer", certificate, "-inkey", key, "-out",
         path + ".p7"});
    Bytes bytes = read_file(path);
    const Bytes message = read_file(path + ".p7");
    bytes.insert(bytes.end(), message.begin(), message.end());
    Bytes block(12);
    block[2] = 2;
    for (int i = 0; i < 4; ++i)
      block[8 + i] = static_cast<std::uint8_t>(message.size() >> 8 * (3 - i));
    bytes.insert(bytes.end(), block.begin(), block.end());
    const std::string_view marker = "~Module signature appended~\n";
    bytes.insert(bytes.end(), marker.begin(), marker.end());
    write_file(path, bytes);
  }

  // The file with security.ima and without.
  template <class Run>
  static void add_images(std::vector<Image>& images, const std::string& path, bool pe, bool modsig,
                         const std::string& key, const Run& run) {
    run({"evmctl", "ima_sign", "--sigfile", "--xattr-user", "--hashalgo", "sha256", "--key", key,
         path});
    const auto content = open_file(path);
    ASSERT_TRUE(content);
    for (const bool ima : {false, true}) {
      Xattrs xattrs;
      if (ima) xattrs["security.ima"] = read_file(path + ".sig");
      auto evidence = collect_kexec(**content, {});
      auto attributes = collect_ima(**content, xattrs, {find_hash_algo("sha256")});
      ASSERT_TRUE(evidence && attributes);
      attributes->file.filesystem.has_xattrs = Truth::yes;
      attributes->file.owner = attributes->file.group = 0;
      images.push_back({path + (ima ? " with security.ima" : ""), std::move(*evidence),
                        std::move(*attributes), pe, ima, modsig});
    }
  }

  static Platform platform(const Machine& machine, KernelVersion version, Arch arch) {
    Platform platform;
    platform.kernel = {version, Variant::mainline, arch};
    const auto set = [&](const char* option, bool on) {
      platform.config.set(option, on ? "y" : "n");
    };
    for (const char* option :
         {"CONFIG_KEXEC", "CONFIG_KEXEC_FILE", "CONFIG_IMA", "CONFIG_INTEGRITY_SIGNATURE",
          "CONFIG_INTEGRITY_ASYMMETRIC_KEYS", "CONFIG_INTEGRITY_TRUSTED_KEYRING",
          "CONFIG_IMA_APPRAISE_MODSIG", "CONFIG_SECONDARY_TRUSTED_KEYRING", "CONFIG_CRYPTO_RSA",
          "CONFIG_CRYPTO_SHA256", "CONFIG_IMA_WRITE_POLICY"})
      set(option, true);
    set("CONFIG_EVM", false);
    const bool power = arch == Arch::ppc64le;
    set("CONFIG_EFI", !power);
    set("CONFIG_IMA_SECURE_AND_OR_TRUSTED_BOOT", machine.arch_policy);
    set(power ? "CONFIG_PPC_SECURE_BOOT" : "CONFIG_IMA_ARCH_POLICY", machine.arch_policy);
    if (power) set("CONFIG_IMA_ARCH_POLICY", machine.arch_policy);
    set("CONFIG_KEXEC_SIG", machine.kexec_sig);
    set("CONFIG_KEXEC_SIG_FORCE", machine.kexec_sig_required);
    set("CONFIG_KEXEC_BZIMAGE_VERIFY_SIG", machine.pe_sig_required);
    set("CONFIG_IMA_APPRAISE", machine.ima_appraise);
    set("CONFIG_IMA_APPRAISE_BUILD_POLICY", machine.require_kexec_sigs);
    set("CONFIG_IMA_APPRAISE_REQUIRE_KEXEC_SIGS", machine.require_kexec_sigs);
    set("CONFIG_IMA_READ_POLICY", machine.ima_read_policy);
    set("CONFIG_INTEGRITY_PLATFORM_KEYRING", machine.platform_keyring);
    platform.config.set("CONFIG_IMA_DEFAULT_HASH", "sha256");
    platform.config.set("CONFIG_IMA_DEFAULT_TEMPLATE", "ima-sig");
    platform.cmdline = "quiet";
    platform.signatures = signatures_of(platform.config, Truth::no);
    platform.state.kexec_load_disabled = false;
    platform.state.secure_boot = machine.secureboot;
    platform.state.trusted_boot = false;
    platform.state.lockdown = machine.locked_down ? Lockdown::integrity : Lockdown::none;
    if (!machine.policy.empty()) platform.ima.policy = {machine.policy};
    platform.ima.policy_is_known = true;
    platform.subject.uid = platform.subject.gid = 0;
    auto known = std::make_shared<Keyring>("keys");
    Key key;
    key.certificate = PreparedCertificate::own(read_file(*folder_ / "cert.der"));
    Walk walk(platform.kernel, {}, false);
    EXPECT_FALSE(check_add_key(walk, *key.certificate, platform.signatures, Restriction::none,
                               nullptr, key.state)
                     .failed());
    known->add(key);
    for (const Ring ring : {Ring::secondary_trusted_keys, Ring::ima}) platform.ring(ring) = known;
    platform.ring(Ring::platform) = std::make_shared<Keyring>(".platform");
    platform.ring(Ring::evm) = platform.ring(Ring::platform);
    platform.ring(Ring::ima_blacklist) = platform.ring(Ring::platform);
    return platform;
  }

  struct Judge {
    explicit Judge(const Platform& of) : platform(of), ima(of) {}
    template <class Ask>
    Verdict conclude_with(const Ask& ask) {
      return conclude(platform.kernel, false, [&](Walk& walk) {
        std::optional<ImaState> room;
        const ImaState& state = ima.state(walk, room);
        const ImaKernel kernel{state, platform.config, platform.signatures, ima.rings(),
                               evm_state(platform)};
        ImaDoor door(kernel, ima_subject(platform));
        return ask(walk, door);
      });
    }
    Verdict file_load(const Image& image) {
      const ImaEvidence evidence = ima_evidence_in_memory(image.ima, image.evidence.appended);
      return conclude_with([&](Walk& walk, ImaDoor& door) {
        ImaInode inode;
        const ImaSubjectFile file{evidence, inode};
        ImaForKexec asked;
        asked.door = &door;
        asked.image = &file;
        std::optional<Outcome> signature;
        return kexec_file_load(walk, image.evidence, {4}, platform, asked, signature);
      });
    }
    Verdict old_load() {
      return conclude_with([&](Walk& walk, ImaDoor& door) {
        ImaForKexec asked;
        asked.door = &door;
        return kexec_load(walk, platform, asked);
      });
    }
    const Platform& platform;
    PlatformIma ima;
  };

  static TemporaryFolder* folder_;
  static std::vector<Image> images_;
  static std::vector<Image> power_images_;
};

TemporaryFolder* KexecSelftests::folder_ = nullptr;
std::vector<Image> KexecSelftests::images_;
std::vector<Image> KexecSelftests::power_images_;

const char* const kPolicies[] = {"", "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig\n",
                                 "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig\n",
                                 "measure func=BPRM_CHECK\n"};

std::vector<Machine> machines() {
  std::vector<Machine> all;
  for (unsigned bits = 0; bits < 1U << 10; ++bits) {
    const auto bit = [bits](int at) { return (bits >> at & 1U) != 0; };
    for (const char* policy : kPolicies) {
      const Machine machine{bit(0), bit(1), bit(2), bit(3), bit(4), bit(5),
                            bit(6), bit(7), bit(8), bit(9), policy};
      if (machine.can_be()) all.push_back(machine);
    }
  }
  return all;
}

// Where the script asks for more than the kernel does. That a verifier is built in enforces
// nothing; and where the policy cannot be read, it fails every image without security.ima.
bool is_stricter(const Machine& on, const Said& said) {
  if (said.text == "missing PE sig")
    return !on.kexec_sig_required && !(on.secureboot && on.arch_policy);
  return said.text == "possibly missing IMA sig" && !on.ima_read_policy;
}

TEST_P(KexecSelftests, FileLoad) {
  std::map<std::string, int> said;
  for (const Machine& machine : machines()) {
    const Platform on = platform(machine, GetParam(), Arch::x86_64);
    Judge judge(on);
    for (const Image& image : images_) {
      const Verdict verdict = judge.file_load(image);
      ASSERT_NE(verdict.decision, Decision::undetermined) << verdict.open.front();
      const Said script = file_load_script(machine, image, verdict);
      ++said[script.text];
      EXPECT_TRUE(script.passes || is_stricter(machine, script))
          << script.text << ": " << image.name << ", policy " << machine.policy << ", decided by "
          << (verdict.deciding != nullptr ? verdict.deciding->id : "nothing");
    }
  }
  // All that the script can say of a kernel that keeps its promises.
  for (const char* text :
       {"succeeded", "missing PE sig", "possibly missing IMA sig", "failed",
        "failed, missing PE sig", "failed, missing IMA sig", "failed, possibly missing IMA sig"})
    EXPECT_GT(said[text], 0) << text;
  EXPECT_EQ(said["missing sig"], 0);
  EXPECT_EQ(said["missing IMA sig"], 0);
}

// Power has no PE signatures; its architecture's rules ask for security.ima or an appended one.
TEST_P(KexecSelftests, FileLoadOnPower) {
  int loaded = 0;
  for (const Machine& machine : machines()) {
    if (machine.kexec_sig) continue;  // which powerpc lacks
    const Platform on = platform(machine, GetParam(), Arch::ppc64le);
    Judge judge(on);
    for (const Image& image : power_images_) {
      const Verdict verdict = judge.file_load(image);
      ASSERT_NE(verdict.decision, Decision::undetermined) << verdict.open.front();
      const Said script = file_load_script(machine, image, verdict);
      EXPECT_TRUE(script.passes || is_stricter(machine, script))
          << script.text << ": " << image.name << ", policy " << machine.policy;
      const bool is_good = image.ima_signed || image.ima_modsig;
      if (machine.secureboot && machine.arch_policy && is_good && machine.policy.empty() &&
          !machine.require_kexec_sigs) {
        EXPECT_EQ(verdict.err, Errno::none) << image.name;
        ++loaded;
      }
    }
  }
  EXPECT_GT(loaded, 0);
}

// An image whose key is not there: the script's "Required key not available".
TEST_P(KexecSelftests, AKeyThatIsMissing) {
  Machine machine;
  machine.kexec_sig = machine.kexec_sig_required = machine.pe_sig_required = true;
  Platform on = platform(machine, GetParam(), Arch::x86_64);
  on.ring(Ring::secondary_trusted_keys) = on.ring(Ring::platform);
  Judge judge(on);
  for (const Image& image : images_) {
    if (!image.pe_signed || image.ima_modsig) continue;
    EXPECT_EQ(file_load_script(machine, image, judge.file_load(image)).text, "-ENOKEY");
  }
}

// Lockdown without Secure Boot refuses the old call, which the script takes for a failure.
TEST_P(KexecSelftests, Load) {
  for (const Machine& machine : machines()) {
    const Platform on = platform(machine, GetParam(), Arch::x86_64);
    const Verdict verdict = Judge(on).old_load();
    ASSERT_NE(verdict.decision, Decision::undetermined) << verdict.open.front();
    // The script knows of no other reason to refuse than Secure Boot, and of Secure Boot only
    // together with the architecture's policy: KEXEC_SIG alone, a rule for KEXEC_KERNEL_CHECK and
    // lockdown refuse too.
    const bool other_reason = machine.locked_down || machine.require_kexec_sigs ||
                              machine.policy.find("KEXEC_KERNEL_CHECK") != std::string::npos ||
                              (machine.secureboot && machine.kexec_sig);
    EXPECT_TRUE(kexec_load_script(machine, verdict) || (other_reason && verdict.err != Errno::none))
        << "policy " << machine.policy << (machine.secureboot ? ", Secure Boot" : "")
        << (machine.arch_policy ? ", architecture's policy" : "") << ": "
        << errno_name(verdict.err);
  }
}

INSTANTIATE_TEST_SUITE_P(Anchors, KexecSelftests, testing::Values(kAnchor61, kAnchor612, kAnchor72),
                         [](const auto& each) {
                           std::string name = "v" + to_string(each.param);
                           std::erase(name, '.');
                           return name;
                         });

}  // namespace
}  // namespace assay
