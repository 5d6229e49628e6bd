// assay guard without a kernel: what it would say, why, and what IPE gets in its place.

#include <algorithm>

#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRelease = "6.1.0-sample";

// The fs-verity digest of a file of one block (Documentation/filesystems/fsverity.rst).
constexpr const char* kVerity = R"(
import hashlib, struct, sys
data = open(sys.argv[1], "rb").read()
assert 0 < len(data) <= 4096
root = hashlib.sha256(data.ljust(4096, b"\0")).digest()
descriptor = struct.pack("<BBBBIQ", 1, 1, 12, 0, 0, len(data)) + root.ljust(64, b"\0")
print(hashlib.sha256(descriptor.ljust(256, b"\0")).hexdigest(), end="")
)";

class GuardSimulation : public testing::Test {
 protected:
  static void SetUpTestSuite() { key_ = new SigningKey("builder"); }
  static void TearDownTestSuite() { delete key_; }

  GuardSimulation() {
    put("lib/modules/r/kernel/good.ko", key_->sign(module()));
    const Ran ran =
        run_assay({"guard", "list", "-q", "--name", "own", "-o", list(), folder_ / "lib"});
    EXPECT_EQ(ran.status, 0) << ran.error;
  }
  std::string list() const { return folder_ / "own.list"; }
  std::string put(const std::string& name, const Bytes& bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  std::string put_text(const std::string& name, const std::string& text) {
    return put(name, Bytes(text.begin(), text.end()));
  }
  static Bytes module() { return loadable_module(kRelease); }
  static Bytes changed(Bytes bytes) {
    bytes.back() ^= 1;
    return bytes;
  }

  // loadable_module() as strip leaves it.
  static Bytes without_symbols() {
    std::string info = "name=sample";
    for (const std::string& entry :
         {std::string("license=GPL"), std::string("intree=Y"),
          std::string("vermagic=") + kRelease + " SMP mod_unload aarch64"})
      info += '\0' + entry;
    info += '\0';
    ElfSample sample(true, false);
    sample.machine = 183;
    sample.sections.push_back({".modinfo", 1, Bytes(info.begin(), info.end())});
    sample.sections.push_back({".gnu.linkonce.this_module", 1, Bytes(64)});
    return sample.write();
  }

  // A kernel that takes the module, but for its state.
  std::string platform(const std::string& state) {
    std::string config;
    for (std::size_t at = 0; at < kSampleConfig.size();) {
      const std::size_t equals = kSampleConfig.find('=', at);
      const std::size_t end = kSampleConfig.find('\n', at);
      config += std::string(kSampleConfig.substr(at, equals - at)) + " = \"" +
                std::string(kSampleConfig.substr(equals + 1, end - equals - 1)) + "\"\n";
      at = end + 1;
    }
    return put_text(
        "p.toml", std::string("schema = 1\n[kernel]\nversion = \"6.1\"\nrelease = \"") + kRelease +
                      "\"\narch = \"arm64\"\nvariant = \"debian\"\ncmdline = \"quiet\"\n"
                      "[kernel.config]\n" +
                      config + "[state]\nsig_enforce = false\n" + state +
                      "override = true\n[keyrings]\nbuiltin_trusted_keys = []\n"
                      "secondary_trusted_keys = []\nmachine = []\nplatform = []\n[ima]\n"
                      "policy = []\n");
  }
  static Ran simulate(std::vector<std::string> more) {
    more.insert(more.begin(), {"guard", "simulate"});
    return run_assay(std::move(more));
  }

  static SigningKey* key_;
  TemporaryFolder folder_;
};
SigningKey* GuardSimulation::key_ = nullptr;

TEST_F(GuardSimulation, TheFirstThatRefusesDecides) {
  const std::string good = put("good.ko", module());
  const std::string bad = put("bad.ko", changed(module()));
  const std::string locked = "lockdown = \"integrity\"\nmodules_disabled = false\n";
  const std::string open = "lockdown = \"none\"\nmodules_disabled = false\n";
  const std::string disabled = "lockdown = \"none\"\nmodules_disabled = true\n";
  struct Case {
    const char* what;
    std::string state;
    std::string file;
    int status;
    const char* words;
  };
  const Case cases[] = {
      {"listed", open, good, 0, "the guard allows; the kernel then loads it, tainted E"},
      {"listed, locked down", locked, good, 1,
       "the guard allows; the kernel then refuses with EPERM"},
      {"not listed", locked, bad, 1, "the guard refuses with EKEYREJECTED"},
      {"not listed, disabled", disabled, bad, 1,
       "the kernel, before the guard is asked, refuses with EPERM"},
  };
  for (const Case& one : cases) {
    const Ran ran = simulate({"--list", list(), "--platform", platform(one.state), one.file});
    EXPECT_EQ(ran.status, one.status) << one.what << ran.error;
    EXPECT_NE(ran.out.find(one.words), std::string::npos) << one.what << ": " << ran.out;
  }
  const Ran audit = simulate({"--list", list(), "--mode", "audit", bad});
  EXPECT_EQ(audit.status, 0) << audit.out;
  EXPECT_NE(audit.out.find("the guard would refuse, and only notes it"), std::string::npos);
  const Ran other = simulate({"--json", "--list", list(), "--errno", "EACCES", bad});
  EXPECT_EQ(other.lines().front()["errno"], "EACCES");
  EXPECT_EQ(other.lines().front()["stages"][0]["rule"], "guard/listed");
}

// Of a module in memory IMA is asked before it is copied (ima_load_data), of a file when it was
// read, after the guard.
TEST_F(GuardSimulation, ImaComesBeforeTheGuardForMemory) {
  put_text("ima.policy", "appraise func=MODULE_CHECK appraise_type=imasig\n");
  const std::string platform = put_text(
      "ima.toml",
      "schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\nvariant = \"mainline\"\n"
      "cmdline = \"quiet\"\nconfig = { CONFIG_IMA = \"y\", CONFIG_IMA_APPRAISE = \"y\", "
      "CONFIG_IMA_APPRAISE_BOOTPARAM = \"y\", CONFIG_IMA_DEFAULT_HASH = \"sha256\", "
      "CONFIG_CRYPTO_SHA256 = \"y\", CONFIG_IMA_WRITE_POLICY = \"y\", "
      "CONFIG_IMA_DEFAULT_TEMPLATE = \"ima-ng\", CONFIG_MODULE_SIG = \"y\" }\n"
      "[state]\nsecure_boot = false\nlockdown = \"none\"\nsig_enforce = false\n"
      "modules_disabled = false\n[keyrings]\nima = []\nevm = []\nima_blacklist = []\n"
      "[ima]\npolicy = [\"ima.policy\"]\n[subject]\nuid = 0\n");
  const std::string bad = put("bad.ko", changed(module()));
  const auto words = [&](const char* call, const char* variant) {
    return simulate({"--list", list(), "--platform", platform, "--syscall", call, "--variant",
                     variant, bad})
        .out;
  };
  EXPECT_NE(words("init_module", "buffer")
                .find("the kernel, before the guard is asked, refuses with EACCES"),
            std::string::npos);
  EXPECT_NE(words("init_module", "ima").find("the guard refuses with EKEYREJECTED"),
            std::string::npos);
  EXPECT_NE(words("finit_module", "buffer").find("the guard refuses with EKEYREJECTED"),
            std::string::npos);
}

TEST_F(GuardSimulation, OverlaysAndSignaturesOfLists) {
  const std::string rebuilt = put("rebuilt.ko", changed(module()));
  EXPECT_EQ(simulate({"--list", list(), rebuilt}).status, 1);
  const std::string overlay = folder_ / "o";
  ASSERT_EQ(run_assay({"guard", "overlay", "sign", "-q", "--for", list(), "-o", overlay, "--key",
                       key_->key(), "--cert", key_->pem(), rebuilt})
                .status,
            0);
  EXPECT_EQ(simulate({"--list", list(), "--overlay", overlay, rebuilt}).status, 0);
  const Ran unsigned_list =
      simulate({"--list", list(), "--trust", key_->certificate(), folder_ / "lib"});
  EXPECT_EQ(unsigned_list.status, 1);
  EXPECT_NE(unsigned_list.error.find("the list is unsigned"), std::string::npos)
      << unsigned_list.error;
}

TEST_F(GuardSimulation, IpeIsAskedFirstAndByFilesAlone) {
  const std::string policy = folder_ / "policy";
  const std::string good = folder_ / "lib/modules/r/kernel/good.ko";
  ASSERT_EQ(run_assay({"guard", "emit", "-q", "--ipe", "small", "-o", policy, good}).status, 0);
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--list", list(), "--ipe", policy});
    return simulate(std::move(more));
  };
  EXPECT_EQ(with({"--fs-verity", "on", good}).status, 0);
  const Ran without = with({"--fs-verity", "off", good});
  EXPECT_EQ(without.status, 1);
  EXPECT_NE(without.out.find("IPE refuses with EACCES"), std::string::npos) << without.out;
  EXPECT_EQ(with({good}).status, 2);
  EXPECT_EQ(with({"--fs-verity", "on", "--syscall", "init_module", good}).status, 1);
  put_text("policy", "policy_name=x\n");
  const Ran refused = with({good});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.error.find("the kernel does not take this policy (EBADMSG)"), std::string::npos)
      << refused.error;
}

TEST_F(GuardSimulation, PoliciesOfIpeAreSignedWithWhatTheySay) {
  const std::string good = folder_ / "lib/modules/r/kernel/good.ko";
  const std::string policy = folder_ / "policy.p7b";
  const Ran ran =
      run_assay({"guard", "emit", "--ipe", "small", "--ipe-version", "1.2.3", "--initramfs", "-o",
                 policy, "--key", key_->key(), "--cert", key_->pem(), good});
  ASSERT_EQ(ran.status, 0) << ran.error;
  run_or_fail({"openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", policy, "-certfile",
               key_->pem(), "-noverify", "-out", folder_ / "text"});
  const Finished verity = run_command({"python3", "-c", kVerity, good});
  ASSERT_EQ(verity.status, 0) << verity.error;
  const Bytes text = read_file(folder_ / "text");
  EXPECT_EQ(std::string(text.begin(), text.end()),
            "policy_name=small policy_version=1.2.3\nDEFAULT action=ALLOW\n"
            "DEFAULT op=KMODULE action=DENY\nop=KMODULE boot_verified=TRUE action=ALLOW\n"
            "op=KMODULE fsverity_digest=sha256:" +
                std::string(verity.out.begin(), verity.out.end()) + " action=ALLOW\n");
}

// A message of 65535 bytes is the longest that kernels take. Of 112 bytes a rule, the rest of the
// policy and what is around it leave room for 580 and some.
TEST_F(GuardSimulation, PoliciesOfIpeHaveALimit) {
  const auto emit = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      put_text("many/m" + std::to_string(i) + ".ko", std::to_string(i));
    return run_assay({"guard", "emit", "--ipe", "many", "-o", folder_ / "many.p7b", "--key",
                      key_->key(), "--cert", key_->pem(), folder_ / "many"});
  };
  const Ran most = emit(0, 576);
  EXPECT_EQ(most.status, 0) << most.error;
  EXPECT_LE(fs::file_size(folder_ / "many.p7b"), 65535U);
  const Ran more = emit(576, 583);
  EXPECT_EQ(more.status, 2);
  EXPECT_NE(more.error.find("kernels take 65535 (EMSGSIZE)"), std::string::npos) << more.error;
}

TEST_F(GuardSimulation, ExplainsWhatItNearlyIs) {
  const auto explain = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"guard", "explain", "--json", "--list", list()});
    const Ran ran = run_assay(std::move(more));
    EXPECT_FALSE(ran.lines().empty()) << ran.error;
    std::vector<std::string> ids;
    const Json explained = ran.lines().front();
    for (const Json& one : explained["said"]) ids.push_back(one["id"]);
    ids.push_back(std::to_string(ran.status));
    return ids;
  };
  using Ids = std::vector<std::string>;
  const std::string good = folder_ / "lib/modules/r/kernel/good.ko";
  EXPECT_EQ(explain({good}), (Ids{"listed", "0"}));
  // A second signature is not cut, and what is below it is listed.
  const SigningKey second("second");
  EXPECT_EQ(explain({put("twice/good.ko", second.sign(key_->sign(module())))}),
            (Ids{"signed-again", "1"}));
  EXPECT_EQ(explain({put("other/stranger.ko", changed(module()))}), (Ids{"not-of-list", "1"}));
  const std::string other = put("other/good.ko", changed(loadable_module("6.1.0-other")));
  EXPECT_EQ(explain({other}), (Ids{"other-build", "1"}));
  EXPECT_EQ(explain({"--packages", folder_ / "lib", other}), (Ids{"other-build", "changed", "1"}));
  const std::string stripped = put("stripped/good.ko", without_symbols());
  EXPECT_EQ(explain({"--packages", folder_ / "lib", stripped}),
            (Ids{"other-build", "stripped", "1"}));
  // An event of the guard has the digest of what it refused.
  const Finished sum = run_command({"sha256sum", other});
  const std::string digest(sum.out.begin(), sum.out.begin() + 64);
  EXPECT_EQ(explain({digest}), (Ids{"unknown", "1"}));
  EXPECT_EQ(explain({"--packages", folder_ / "other", digest}), (Ids{"file", "1"}));
}

}  // namespace
}  // namespace assay
