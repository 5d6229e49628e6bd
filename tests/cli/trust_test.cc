// assay verify and judge: which kernel, which keys, which configuration an artifact is checked by.

#include <algorithm>

#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRelease = "6.1.0-sample";
constexpr const char* kOther = "6.1.0-other";

class TrustTest : public testing::Test {
 protected:
  std::string put(const std::string& name, const Bytes& bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  std::string put_module(const std::string& name, const SigningKey& key,
                         const std::string& release = kRelease) {
    return put(name, key.sign(sample_module(release)));
  }
  std::string modules(const std::string& release = kRelease) const {
    return "root/lib/modules/" + release + "/kernel/";
  }
  // root/ with an installed kernel and `count` modules.
  void install(const SigningKey& key, int count, const std::string& release = kRelease) {
    put("root/boot/vmlinuz-" + release, sample_image(release, key.der()));
    put("root/boot/config-" + release, bytes_of_text(kSampleConfig));
    const Bytes module = key.sign(loadable_module(release));
    for (int i = 0; i < count; ++i) put(modules(release) + std::to_string(i) + ".ko", module);
  }
  static Bytes bytes_of_text(std::string_view text) { return {text.begin(), text.end()}; }
  std::string root() const { return folder_ / "root"; }
  // The same as a package.
  std::string package() {
    put("root/DEBIAN/control",
        bytes_of_text("Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\n"
                      "Description: sample\n"));
    run_or_fail({"dpkg-deb", "--root-owner-group", "-b", root(), folder_ / "sample.deb"});
    return folder_ / "sample.deb";
  }
  TemporaryFolder folder_;
};

std::string text_of(const Json& artifact) { return artifact["reason"]["text"]; }

// --- What a kernel leaves in its keyring

TEST_F(TrustTest, KeyThatOnlyLaterKernelsLoadIsOpenBetween) {
  const SigningKey key("sha3", "sha3-256");
  const std::string module = put_module("m.ko", key);
  const auto status = [&](const std::string& version) {
    return run_assay({"verify", "--json", "--trust", key.certificate(), "--kernel-version", version,
                      module})
        .artifact("m.ko");
  };
  EXPECT_EQ(status("6.1")["status"], "untrusted");
  for (const std::string version : {"6.2", "6.5", "6.11"}) {
    EXPECT_EQ(status(version)["status"], "undetermined") << version;
    EXPECT_NE(text_of(status(version)).find("kernel.version"), std::string::npos);
  }
  EXPECT_EQ(status("6.12")["status"], "verified");
  EXPECT_EQ(status("7.2")["status"], "verified");
}

TEST_F(TrustTest, KeyIsReplacedByALaterOneOfItsDescription) {
  SigningKey key("twice", "sha256", "1");
  const std::string first = put("1.der", key.der());
  const std::string by_first = put_module("first.ko", key);
  key.certify("sha256", "2");
  const std::string second = put("2.der", key.der());
  const std::string by_second = put_module("second.ko", key);
  const auto verify = [&](const std::string& a, const std::string& b) {
    return run_assay({"verify", "--json", "--trust", a, "--trust", b, by_first, by_second});
  };
  const Ran forward = verify(first, second);
  EXPECT_EQ(forward.artifact("first.ko")["reason"]["errno"], "ENOKEY");
  EXPECT_EQ(forward.artifact("second.ko")["status"], "verified");
  const Ran backward = verify(second, first);
  EXPECT_EQ(backward.artifact("first.ko")["status"], "verified");
  EXPECT_EQ(backward.artifact("second.ko")["reason"]["errno"], "ENOKEY");
}

TEST_F(TrustTest, KeysOfKernelAndOptionCountTogether) {
  const SigningKey own("own");
  const SigningKey added("added");
  const std::string image = put("vmlinuz", sample_image(kRelease, own.der()));
  const std::string by_own = put_module("own.ko", own);
  const std::string by_added = put_module("added.ko", added);
  const Ran ran = run_assay(
      {"verify", "--json", "--kernel", image, "--trust", added.certificate(), by_own, by_added});
  EXPECT_EQ(ran.status, 0) << ran.out;
  EXPECT_EQ(ran.artifact("own.ko")["trust"]["source"], "image");
  EXPECT_EQ(ran.artifact("own.ko")["trust"]["image"], image);
  EXPECT_EQ(ran.artifact("added.ko")["trust"]["source"], "option");
  EXPECT_EQ(run_assay({"verify", "--kernel", image, by_own, by_added}).status, 1);
}

// --- Whose rules

struct RulesCase {
  std::string release, version, rules, status;
};

TEST_F(TrustTest, RulesSayWhatIsAssumedUnprovenOrUnknown) {
  const SigningKey key("key");
  const RulesCase cases[] = {
      {"6.1.0-sample", "", "6.1 mainline x86_64", "verified"},
      {"notaversion", "", "7.2 mainline x86_64, assumed: version", "verified"},
      {"7.9.1", "", "7.9 as 7.2, mainline x86_64, unproven", "verified"},
      {"notaversion", "7.9", "7.9 as 7.2, mainline x86_64, unproven", "verified"},
      {"5.10.0-30-amd64", "", "5.10 debian x86_64, unknown", "undetermined"},
      {"6.1.0-sample", "4.19", "4.19 mainline x86_64, unknown", "undetermined"},
  };
  for (const RulesCase& one : cases) {
    const std::string module = put_module("m.ko", key, one.release);
    std::vector<std::string> command = {"verify", "--json", "--trust", key.certificate(), module};
    if (!one.version.empty()) command.insert(command.end(), {"--kernel-version", one.version});
    const Json artifact = run_assay(command).artifact("m.ko");
    EXPECT_EQ(artifact["rules"], one.rules);
    EXPECT_EQ(artifact["status"], one.status) << one.rules;
    if (one.status == "undetermined") {
      EXPECT_NE(text_of(artifact).find("kernel.version"), std::string::npos);
      continue;
    }
    std::erase(command, "--json");
    const bool is_sure = one.rules.find(',') == std::string::npos;
    EXPECT_EQ(run_assay(command).out.find("rules of " + one.rules) == std::string::npos, is_sure);
  }
  // Neither a module nor an image: nothing tells.
  put("x.bin", key.sign(bytes_of_text("data")));
  EXPECT_EQ(run_assay({"verify", "--json", "--trust", key.certificate(), folder_ / "x.bin"})
                .artifact("x.bin")["rules"],
            "7.2 mainline x86_64, assumed: version, architecture");
  // What has no signature has none for every kernel.
  put("unsigned.ko", sample_module("5.10.0-30-amd64"));
  EXPECT_EQ(run_assay({"verify", "--json", "--trust", key.certificate(), folder_ / "unsigned.ko"})
                .artifact("unsigned.ko")["status"],
            "unsigned");
}

// --- Which image

TEST_F(TrustTest, ImageIsFoundFromEveryWorkingFolder) {
  const SigningKey key("key");
  install(key, 2);
  const auto verify_in = [&](const std::string& folder, const std::string& path) {
    return run_command(
               {"sh", "-c", "cd " + folder + " && exec " + ASSAY_BINARY + " verify " + path})
        .status;
  };
  const std::string release = root() + "/lib/modules/" + kRelease;
  EXPECT_EQ(verify_in(release, "."), 0);
  EXPECT_EQ(verify_in(release, "kernel"), 0);
  EXPECT_EQ(verify_in(release + "/kernel", "."), 0);
  EXPECT_EQ(verify_in(release + "/kernel", "1.ko"), 0);
  EXPECT_EQ(verify_in(root() + "/lib", "modules"), 0);
  EXPECT_EQ(verify_in(root(), "lib/modules/"), 0);
  EXPECT_EQ(verify_in(root() + "/boot", "../lib/modules"), 0);
  fs::create_directory_symlink(release + "/kernel", folder_ / "link");
  EXPECT_EQ(verify_in(folder_.path().string(), "link/0.ko"), 0);
  // The spelling that was given is the name.
  const Finished named = run_command(
      {"sh", "-c", "cd " + release + " && exec " + ASSAY_BINARY + " verify --json kernel/0.ko"});
  EXPECT_NE(std::string(named.out.begin(), named.out.end()).find(R"("path":"kernel/0.ko")"),
            std::string::npos);
}

TEST_F(TrustTest, ModuleOfAnotherReleaseIsJudgedByTheKernelOfItsFolder) {
  const SigningKey key("key");
  const SigningKey other("other");
  install(key, 1);
  put_module(modules() + "foreign.ko", other, kOther);
  const auto check = [&](const std::string& path) {
    const Ran ran = run_assay({"verify", "--json", path});
    EXPECT_EQ(ran.status, 1) << path;
    EXPECT_EQ(ran.artifact("/0.ko")["status"], "verified");
    const Json foreign = ran.artifact("foreign.ko");
    EXPECT_EQ(foreign["status"], "untrusted") << foreign;
    EXPECT_EQ(foreign["reason"]["errno"], "ENOKEY");
    EXPECT_EQ(foreign["note"],
              std::string("lies in lib/modules/") + kRelease + " but was built for " + kOther);
  };
  check(root());
  check(package());
  check(root() + "/lib");
  // Even where its own kernel is there as well.
  install(other, 1, kOther);
  check(root());
  check(package());
}

TEST_F(TrustTest, ModuleIsJudgedByTheKernelItWasBuiltForWhereItsFolderHasNone) {
  const SigningKey key("key");
  put("root/boot/vmlinuz-x", sample_image(kOther, key.der()));
  put_module(modules() + "m.ko", key, kOther);
  const Json artifact = run_assay({"verify", "--json", root()}).artifact("m.ko");
  EXPECT_EQ(artifact["status"], "verified");
  EXPECT_NE(artifact["note"].get<std::string>().find("no kernel image of release 6.1.0-sample"),
            std::string::npos);
}

TEST_F(TrustTest, EachRootHasItsOwnImage) {
  const SigningKey first("first");
  install(first, 1);
  fs::rename(root(), folder_ / "first");
  const SigningKey second("second");
  install(second, 1);
  const std::string module = modules().substr(4) + "0.ko";
  const Ran ran = run_assay({"verify", "--json", (folder_ / "first") + module, root() + module});
  EXPECT_EQ(ran.status, 0) << ran.out;
}

TEST_F(TrustTest, DamagedImageIsMalformedAndNamed) {
  const SigningKey key("key");
  install(key, 1);
  const std::string image = root() + "/boot/vmlinuz-" + kRelease;
  run_or_fail(
      {"sh", "-c", "gzip -n < " + image + " > " + image + ".gz && mv " + image + ".gz " + image});
  EXPECT_EQ(run_assay({"verify", root()}).status, 0);
  Bytes bytes = read_file(image);
  bytes[bytes.size() / 2] ^= 1;
  write_file(image, bytes);
  for (const bool with_trust : {false, true}) {
    std::vector<std::string> command = {"verify", "--json", image};
    if (with_trust) command.insert(command.end(), {"--trust", key.certificate()});
    const Ran alone = run_assay(command);
    EXPECT_EQ(alone.status, 1);
    EXPECT_EQ(alone.artifact(kRelease)["status"], "malformed");
    EXPECT_TRUE(alone.artifact(kRelease)["reason"]["id"].get<std::string>().starts_with("codec/"));
  }
  const Json module = run_assay({"verify", "--json", root()}).artifact("0.ko");
  EXPECT_EQ(module["status"], "undetermined");
  EXPECT_NE(text_of(module).find("kernel image " + image), std::string::npos) << module;
}

// --- Which configuration

class JudgeTest : public TrustTest {
 protected:
  static Ran judge(const std::string& path, const std::string& jobs = "-j4") {
    return run_assay(
        {"judge", "module", "--platform", "package", "--cmdline", "quiet", "--json", jobs, path});
  }
  static int count(const Ran& ran, const std::string& decision) {
    return static_cast<int>(std::ranges::count_if(
        ran.lines(), [&](const Json& line) { return line["decision"] == decision; }));
  }
};

TEST_F(JudgeTest, ConfigurationIsWaitedForWhateverTheThreads) {
  const SigningKey key("key");
  install(key, 40);
  const std::string package_path = package();
  for (const std::string jobs : {"-j1", "-j2", "-j8"})
    for (const std::string& path : {package_path, root()}) {
      const Ran ran = judge(path, jobs);
      EXPECT_EQ(ran.status, 0) << path << jobs << ran.error;
      EXPECT_EQ(count(ran, "allowed"), 40) << path << jobs;
    }
  // Where Fedora has it, which is behind the modules.
  fs::rename(root() + "/boot/config-" + kRelease, root() + "/lib/modules/" + kRelease + "/config");
  const std::string fedora = package();
  for (const std::string jobs : {"-j1", "-j2", "-j8"})
    for (const std::string& path : {fedora, root()})
      EXPECT_EQ(count(judge(path, jobs), "allowed"), 40) << path << jobs;
}

TEST_F(JudgeTest, ConfigurationIsFoundBesideADiscoveredImage) {
  const SigningKey key("key");
  install(key, 1);
  const std::string module = root() + "/lib/modules/" + kRelease + "/kernel/0.ko";
  EXPECT_EQ(count(judge(module), "allowed"), 1) << judge(module).out;
  fs::rename(root() + "/boot/vmlinuz-" + kRelease,
             root() + "/lib/modules/" + kRelease + "/vmlinuz");
  EXPECT_EQ(count(judge(module), "allowed"), 1) << "the image beside the modules";
  fs::rename(root() + "/boot/config-" + kRelease, root() + "/lib/modules/" + kRelease + "/config");
  EXPECT_EQ(count(judge(module), "allowed"), 1) << "both";
  fs::remove(root() + "/lib/modules/" + kRelease + "/config");
  EXPECT_EQ(count(judge(module), "undetermined"), 1);
}

TEST_F(JudgeTest, ConfigurationThatCannotBeReadOrIsNotOneIsNamed) {
  const SigningKey key("key");
  install(key, 1);
  const std::string config = "boot/config-" + std::string(kRelease);
  put("root/" + config, bytes_of_text("\x7f"
                                      "ELF no configuration"));
  for (const std::string& path : {package(), root()}) {
    const Ran ran = judge(path);
    EXPECT_EQ(ran.status, 2);
    EXPECT_EQ(count(ran, "undetermined"), 1);
    EXPECT_NE(ran.out.find(config), std::string::npos) << ran.out;
  }
}

TEST_F(JudgeTest, TwoConfigurationsThatDifferDecideNothing) {
  const SigningKey key("key");
  install(key, 1);
  put("root/lib/modules/" + std::string(kRelease) + "/config", bytes_of_text(kSampleConfig));
  EXPECT_EQ(count(judge(package()), "allowed"), 1);
  put("root/lib/modules/" + std::string(kRelease) + "/config", bytes_of_text("CONFIG_X=y\n"));
  const Ran ran = judge(package());
  EXPECT_EQ(count(ran, "undetermined"), 1);
  EXPECT_NE(ran.out.find("differ"), std::string::npos) << ran.out;
}

// The package's configuration counts, and what it leaves open is named.
TEST_F(JudgeTest, PackageSaysWhatItSaysAndNoMore) {
  const SigningKey key("key");
  install(key, 1);
  const auto verdict_of = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = {"judge", "module", "--platform", "package", "--json"};
    command.insert(command.end(), more.begin(), more.end());
    command.push_back(package());
    return run_assay(command).artifact("0.ko");
  };
  EXPECT_EQ(verdict_of({})["open"], Json({"state.modules_disabled", "kernel.cmdline"}));
  EXPECT_EQ(verdict_of({"--cmdline", "nomodule"})["deciding_rule"], "module-load/modules-enabled");
  EXPECT_EQ(verdict_of({"--cmdline", "module_blacklist=sample"})["errno"], "EPERM");
  const std::string config = "root/boot/config-" + std::string(kRelease);
  put(config, bytes_of_text("# CONFIG_MODULES is not set\n"));
  EXPECT_EQ(verdict_of({})["errno"], "ENOSYS");
  EXPECT_EQ(verdict_of({})["deciding_rule"], "module-load/has-modules");
  // Without a signature: how it was booted decides.
  put(config, bytes_of_text(kSampleConfig));
  put(modules() + "0.ko", loadable_module(kRelease));
  EXPECT_EQ(verdict_of({"--cmdline", "quiet"})["open"], Json({"state.sig_enforce"}));
  put(config, bytes_of_text(std::string(kSampleConfig) + "CONFIG_MODULE_SIG_FORCE=y\n"));
  EXPECT_EQ(verdict_of({"--cmdline", "quiet"})["errno"], "EKEYREJECTED");
}

TEST_F(JudgeTest, ImageOfAPackageByItsOwnConfiguration) {
  const SigningKey key("key");
  install(key, 1);
  const auto verdict_of = [&](const std::string& config) {
    put("root/boot/config-" + std::string(kRelease), bytes_of_text(config));
    return run_assay({"judge", "kexec", "--platform", "package", "--json", package()})
        .artifact("vmlinuz-" + std::string(kRelease));
  };
  EXPECT_EQ(verdict_of("CONFIG_KEXEC=y\n")["errno"], "ENOSYS");
  const std::string checks = "CONFIG_KEXEC_FILE=y\nCONFIG_KEXEC_SIG=y\n";
  EXPECT_EQ(verdict_of(checks + "CONFIG_KEXEC_SIG_FORCE=y\n")["decision"], "refused");
  EXPECT_EQ(verdict_of(checks + "CONFIG_SECURITY_LOCKDOWN_LSM=y\n")["open"],
            Json({"state.lockdown"}));
}

}  // namespace
}  // namespace assay
