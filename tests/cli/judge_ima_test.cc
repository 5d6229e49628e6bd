// assay judge where IMA has a policy. Expected verdicts are those of security/integrity/ima, 6.1 to
// 7.2, and of booted kernels.

#include <gtest/gtest.h>

#include <filesystem>

#include "base/hex.h"

#include "tests/cli/run_assay.h"

namespace assay {
namespace {

class JudgeIma : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }

  // A kernel with IMA, no keys, and this policy.
  std::string platform(const std::string& policy, const std::string& cmdline = "quiet") {
    write("policy", policy);
    return write(
        "platform.toml",
        "schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\n"
        "variant = \"mainline\"\ncmdline = \"" +
            cmdline +
            "\"\nconfig = { CONFIG_IMA = \"y\", CONFIG_IMA_APPRAISE = \"y\", "
            "CONFIG_IMA_APPRAISE_BOOTPARAM = \"y\", CONFIG_IMA_DEFAULT_HASH = \"sha256\", "
            "CONFIG_IMA_APPRAISE_MODSIG = \"y\", CONFIG_CRYPTO_SHA256 = \"y\", "
            "CONFIG_IMA_WRITE_POLICY = \"y\", CONFIG_IMA_DEFAULT_TEMPLATE = \"ima-ng\", "
            "CONFIG_MODULE_SIG = \"y\", CONFIG_KEXEC = \"y\", CONFIG_KEXEC_FILE = \"y\" }\n"
            "[state]\nsecure_boot = false\nlockdown = \"none\"\nsig_enforce = false\n"
            "modules_disabled = false\nkexec_load_disabled = false\n"
            "[keyrings]\nima = []\nevm = []\nima_blacklist = []\n"
            "[ima]\npolicy = [\"policy\"]\n[subject]\nuid = 0\n");
  }

  Json judge(const std::string& request, const std::string& on, const std::string& file,
             std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"judge", request, "--json", "--platform", on});
    more.push_back(file);
    const Ran ran = run_assay(more);
    EXPECT_FALSE(ran.lines().empty()) << ran.error;
    return ran.lines().empty() ? Json() : ran.lines().front();
  }

  TemporaryFolder folder_;
};

constexpr const char* kScript = "#!/bin/true\n";

TEST_F(JudgeIma, TheHookDecidesWhichRequestARuleIsAbout) {
  const std::string file = write("script", kScript);
  const std::string on = platform("appraise func=BPRM_CHECK\n");
  const Json run = judge("exec", on, file);
  EXPECT_EQ(run["decision"], "refused");
  EXPECT_EQ(run["errno"], "EACCES");
  EXPECT_EQ(run["deciding_rule"], "ima/enforced");
  EXPECT_EQ(run["reason"]["cause"], "ima/hash-present");
  EXPECT_EQ(run["audited"][0], "op=appraise_data cause=missing-hash");
  EXPECT_EQ(judge("read", on, file)["decision"], "allowed");
  EXPECT_EQ(judge("mmap", on, file)["decision"], "allowed");
  for (const auto& [request, hook] :
       std::map<std::string, std::string>{{"read", "FILE_CHECK"},
                                          {"mmap", "MMAP_CHECK"},
                                          {"firmware", "FIRMWARE_CHECK"},
                                          {"policy", "POLICY_CHECK"},
                                          {"kexec-initramfs", "KEXEC_INITRAMFS_CHECK"}}) {
    const Json judged = judge(request, platform("appraise func=" + hook + "\n"), file);
    EXPECT_EQ(judged["errno"], "EACCES") << request;
    EXPECT_EQ(judged["request"], request);
  }
}

TEST_F(JudgeIma, NotEnforced) {
  const std::string file = write("script", kScript);
  const Json judged =
      judge("exec", platform("appraise func=BPRM_CHECK\n", "ima_appraise=log"), file);
  EXPECT_EQ(judged["decision"], "allowed_unverified");
  EXPECT_EQ(judged["errno"], "0");
  EXPECT_EQ(judged["audited"][0], "op=appraise_data cause=missing-hash");
}

TEST_F(JudgeIma, AttributesAndFactsFromOptions) {
  const std::string file = write("script", kScript);
  const std::string on = platform("appraise func=BPRM_CHECK fowner=1000\n");
  EXPECT_EQ(judge("exec", on, file, {"--fowner", "0"})["decision"], "allowed");
  EXPECT_EQ(judge("exec", on, file, {"--fowner", "1000"})["errno"], "EACCES");
  // Of the type 4 with too short a digest.
  const std::string bad = write("bad.hex", "0404 00\n");
  const Json judged =
      judge("exec", on, file, {"--fowner", "1000", "--xattr", "security.ima=" + bad});
  EXPECT_EQ(judged["reason"]["cause"], "ima/hash-matches");
  // Type 4 with what sha256sum says of the file.
  const std::string good =
      write("good.hex", "0404 1b577383bcfb9f191c785497f4ac34a8fb546807bd1094ef65d0ce9a5a63423e\n");
  EXPECT_EQ(
      judge("exec", on, file, {"--fowner", "1000", "--xattr", "security.ima=" + good})["decision"],
      "allowed");
  const std::string elsewhere = platform("appraise func=BPRM_CHECK fsmagic=0x1234\n");
  EXPECT_EQ(judge("exec", elsewhere, file, {"--fsmagic", "1234"})["errno"], "EACCES");
  EXPECT_EQ(judge("exec", elsewhere, file, {"--fsmagic", "ef53"})["decision"], "allowed");
}

TEST_F(JudgeIma, APolicyIsAppraisedAndRead) {
  const std::string on = platform("measure func=BPRM_CHECK\n");
  EXPECT_EQ(judge("policy", on, write("new", "measure func=MMAP_CHECK\n"))["decision"], "allowed");
  const Json judged = judge("policy", on, write("wrong", "measure func=NO_CHECK\n"));
  EXPECT_EQ(judged["errno"], "EINVAL");
}

TEST_F(JudgeIma, ModulesAndKernels) {
  const std::string file = write("x.ko", "no module");
  const std::string on = platform(
      "appraise func=MODULE_CHECK appraise_type=imasig\n"
      "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig\n");
  const Json by_file = judge("module", on, file, {"--syscall", "finit_module"});
  EXPECT_EQ(by_file["errno"], "EACCES");
  EXPECT_EQ(by_file["reason"]["cause"], "ima/signature-present");
  // There is no file to be appraised.
  const std::string big = write("y.ko", std::string(100, 'x'));
  EXPECT_EQ(judge("module", on, big, {"--syscall", "init_module"})["deciding_rule"],
            "ima/module-file");
  EXPECT_EQ(judge("kexec", on, file, {"--syscall", "kexec_load"})["errno"], "EACCES");
  EXPECT_EQ(judge("kexec", on, file)["reason"]["cause"], "ima/signature-present");
}

// fs/kernel_read_file.c: before IMA, and whatever its policy.
TEST_F(JudgeIma, EmptyFilesAreNotRead) {
  const std::string empty = write("empty", "");
  const std::string appraises =
      platform("appraise func=FIRMWARE_CHECK\nappraise func=POLICY_CHECK\n");
  for (const char* request : {"firmware", "policy", "kexec-initramfs"}) {
    const Json judged = judge(request, appraises, empty);
    EXPECT_EQ(judged["errno"], "EINVAL") << request;
    EXPECT_EQ(judged["deciding_rule"], "kernel-read/not-empty") << request;
  }
  EXPECT_EQ(judge("read", appraises, empty)["decision"], "allowed");
}

// The digest of the entry is that of its fields with their lengths, little endian.
TEST_F(JudgeIma, TheEntryThatIsMeasured) {
  const std::string file = write("script", kScript);
  const std::string digest = "1b577383bcfb9f191c785497f4ac34a8fb546807bd1094ef65d0ce9a5a63423e";
  std::vector<std::uint8_t> data{40, 0, 0, 0};
  const auto append = [&data](std::string_view text) {
    data.insert(data.end(), text.begin(), text.end());
  };
  append("sha256:");
  data.push_back(0);
  const auto value = from_hex(digest);
  data.insert(data.end(), value->begin(), value->end());
  const std::string name = std::filesystem::canonical(file);
  data.insert(data.end(), {static_cast<std::uint8_t>(name.size() + 1), 0, 0, 0});
  append(name);
  data.push_back(0);
  const Finished sha1 = run_command({"sha1sum"}, data);
  const std::string expected = "11 " + std::string(sha1.out.begin(), sha1.out.begin() + 40) +
                               " ima-ng sha256:" + digest + " " + name;
  const Json judged = judge("exec", platform("measure func=BPRM_CHECK pcr=11\n"), file);
  EXPECT_EQ(judged["measured"], Json::array({expected}));
}

// ima_eventdigest_init: the oldest field has room for SHA-1 alone, and the file is read again.
TEST_F(JudgeIma, TheOldestDigest) {
  const std::string file = write("script", kScript);
  const Finished sha1 = run_command({"sha1sum", file});
  const std::string digest(sha1.out.begin(), sha1.out.begin() + 40);
  const std::string on = platform("measure func=BPRM_CHECK\n", "ima_template_fmt=d|n");
  const Json judged = judge("exec", on, file);
  ASSERT_EQ(judged["measured"].size(), 1U) << judged;
  EXPECT_NE(judged["measured"][0].get<std::string>().find(" d|n " + digest + " /"),
            std::string::npos)
      << judged["measured"];
  // The command line of the kernel to be started is measured as it is.
  const Json kexec = judge("kexec", platform("measure func=KEXEC_CMDLINE\n"), write("image", ""),
                           {"--append", "quiet"});
  EXPECT_EQ(kexec["measured"], Json::array()) << "the image is refused before";
}

// Whether EVM has a key is not known: either way the file is refused, and both reasons are said.
TEST_F(JudgeIma, AWrongHashIsSaidWhateverEvmWants) {
  const std::string file = write("script", kScript);
  std::string on = platform("appraise func=BPRM_CHECK\n");
  const auto bytes = read_file(on);
  std::string text(bytes.begin(), bytes.end());
  text.replace(text.find("CONFIG_IMA_APPRAISE ="), 0, "CONFIG_EVM = \"y\", ");
  text.replace(text.find("evm = []\n"), 9, "");
  on = write("evm.toml", text);
  const std::string bad = write("bad.hex", "0404 00\n");
  const Json judged = judge("exec", on, file, {"--xattr", "security.ima=" + bad});
  EXPECT_EQ(judged["errno"], "EACCES");
  const std::string why = judged["reason"]["text"];
  EXPECT_NE(why.find("security.evm, which EVM wants"), why.npos) << why;
  EXPECT_NE(why.find("or else security.ima is not the digest of the file"), why.npos) << why;
  // Of a file with the right digest it is open, and the key is one of the platform file's.
  const std::string good =
      write("good.hex", "0404 1b577383bcfb9f191c785497f4ac34a8fb546807bd1094ef65d0ce9a5a63423e\n");
  EXPECT_EQ(judge("exec", on, file, {"--xattr", "security.ima=" + good})["open"],
            Json({"keyrings.evm"}));
}

// A signature that is appended does not stand in for security.ima.
TEST_F(JudgeIma, AnAppendedSignatureThatDoesNotCount) {
  const std::string on = platform("appraise func=MODULE_CHECK appraise_type=imasig\n");
  const auto why = [&](const std::string& content) {
    const Json judged = judge("module", on, write("x.ko", content), {"--syscall", "finit_module"});
    EXPECT_EQ(judged["reason"]["cause"], "ima/signature-present");
    return judged["reason"]["text"].get<std::string>();
  };
  const std::string appended = why(std::string(100, 'x') + "~Module signature appended~\n");
  EXPECT_NE(appended.find("the file has no security.ima, and the signature appended to it does not "
                          "count; assay sign --ima makes one"),
            appended.npos)
      << appended;
  const std::string bare = why(std::string(100, 'x'));
  EXPECT_EQ(bare.find("does not count"), bare.npos) << bare;
}

TEST_F(JudgeIma, WhatIsNotKnownIsLeftOpen) {
  const std::string file = write("script", kScript);
  EXPECT_EQ(judge("exec", platform("appraise func=BPRM_CHECK fsname=ext4\n"), file)["decision"],
            "undetermined");
  const std::string on =
      platform("appraise func=BPRM_CHECK fsuuid=11111111-2222-3333-4444-555555555555\n");
  EXPECT_EQ(judge("exec", on, file, {"--fsuuid", "11111111-2222-3333-4444-555555555555"})["errno"],
            "EACCES");
}

TEST_F(JudgeIma, APolicyThatIsNotNamedIsOpen) {
  const std::string on = write("other.toml",
                               "schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\n"
                               "variant = \"mainline\"\ncmdline = \"quiet\"\nconfig = { "
                               "CONFIG_IMA = \"y\", CONFIG_IMA_APPRAISE = \"y\", "
                               "CONFIG_IMA_DEFAULT_HASH = \"sha256\", "
                               "CONFIG_IMA_DEFAULT_TEMPLATE = \"ima-ng\" }\n");
  const Json judged = judge("read", on, write("script", kScript));
  EXPECT_EQ(judged["decision"], "undetermined");
  EXPECT_EQ(judged["open"][0], "ima.policy");
}

TEST_F(JudgeIma, Usage) {
  const std::string file = write("script", kScript);
  const std::string on = platform("measure\n");
  EXPECT_EQ(run_assay({"judge", "read", "--platform", on, "--mask", "MAY", file}).status, 2);
  EXPECT_EQ(run_assay({"judge", "read", "--platform", on, "--xattr", "security.ima", file}).status,
            2);
  EXPECT_EQ(run_assay({"judge", "read", "--platform", on, "--flags", "1", file}).status, 2);
  EXPECT_EQ(run_assay({"judge", "dance", "--platform", on, file}).status, 2);
}

}  // namespace
}  // namespace assay
