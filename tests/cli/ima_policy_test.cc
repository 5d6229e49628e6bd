// assay ima policy check on policies as users write them.

#include <gtest/gtest.h>

#include "tests/cli/run_assay.h"

namespace assay {
namespace {

class ImaPolicyTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  std::string policy(const std::string& text) { return write("policy", text); }
  TemporaryFolder folder_;
};

TEST_F(ImaPolicyTest, ALineAnObject) {
  const Ran ran =
      run_assay({"ima", "policy", "check", "--json", "--kernel-version", "6.1",
                 policy("# c\nmeasure func=BPRM_CHECK\nmeasure fsmagic=zz\n"
                        "dont_audit func=BPRM_CHECK\nmeasure uid=99999999999999999999\n")});
  EXPECT_EQ(ran.status, 1) << ran.error;
  const auto found = ran.lines();
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0]["schema"], "assay.policy-line/1");
  EXPECT_EQ(found[0]["line"], 2);
  EXPECT_EQ(found[0]["accepted"], true);
  EXPECT_EQ(found[0]["errno"], "0");
  EXPECT_EQ(found[1]["accepted"], false);
  EXPECT_EQ(found[1]["errno"], "EINVAL");
  EXPECT_EQ(found[1]["token"], "fsmagic=zz");
  EXPECT_EQ(found[1]["extent"]["offset"], 36);
  EXPECT_EQ(found[2]["rule"], "ima-policy/known-word");
  EXPECT_EQ(found[3]["errno"], "ERANGE");
  EXPECT_EQ(found[3]["errno_number"], 34);
  EXPECT_EQ(found[4]["schema"], "assay.policy-summary/1");
  EXPECT_EQ(found[4]["loads"], false);
  EXPECT_EQ(found[4]["rules"], 4);
  EXPECT_EQ(found[4]["accepted"], 1);
  EXPECT_EQ(found[4]["refused"], 3);
  EXPECT_EQ(found[4]["refused_line"], 3);
  EXPECT_EQ(found[4]["errno"], "EINVAL");
  EXPECT_EQ(found[4]["kernel_version"], "6.1");
  EXPECT_EQ(found[4]["kernel_version_from"], "--kernel-version");
}

TEST_F(ImaPolicyTest, VersionAndConfigurationDecide) {
  const std::string file = policy("appraise func=MODULE_CHECK appraise_type=imasig|modsig\n");
  const Ran open = run_assay({"ima", "policy", "check", "--json", file});
  EXPECT_EQ(open.status, 2);
  EXPECT_TRUE(open.lines()[0]["accepted"].is_null());
  EXPECT_EQ(open.lines()[0]["open"][0], "config: CONFIG_IMA_APPRAISE_MODSIG");
  write("config", "CONFIG_IMA_APPRAISE_MODSIG=y\n");
  EXPECT_EQ(run_assay({"ima", "policy", "check", "--config", folder_ / "config", file}).status, 0);
  write("config", "# CONFIG_IMA_APPRAISE_MODSIG is not set\n");
  EXPECT_EQ(run_assay({"ima", "policy", "check", "--config", folder_ / "config", file}).status, 1);
}

// A word of 7.2; the heading is that of Debian's configurations.
TEST_F(ImaPolicyTest, TheConfigurationSaysWhichKernel) {
  const std::string file = policy("dont_audit func=BPRM_CHECK\n");
  const std::string config = write("config",
                                   "#\n# Automatically generated file; DO NOT EDIT.\n"
                                   "# Linux/x86 6.1.192 Kernel Configuration\n#\nCONFIG_IMA=y\n");
  const Ran old = run_assay({"ima", "policy", "check", "--json", "--config", config, file});
  EXPECT_EQ(old.status, 1) << old.out;
  EXPECT_EQ(old.lines().back()["kernel_version"], "6.1");
  EXPECT_EQ(old.lines().back()["kernel_version_from"], "the configuration");
  const Ran newer = run_assay(
      {"ima", "policy", "check", "--json", "--config", config, "--kernel-version", "7.2", file});
  EXPECT_EQ(newer.status, 0) << newer.out;
  EXPECT_EQ(newer.lines().back()["kernel_version_from"], "--kernel-version");
  const Ran text = run_assay({"ima", "policy", "check", "--config", config, file});
  EXPECT_NE(text.out.find("not loaded: 1 of 1 rules refused"), text.out.npos) << text.out;
  EXPECT_NE(text.out.find("by the parser of 6.1 (the configuration)"), text.out.npos) << text.out;
}

TEST_F(ImaPolicyTest, UsageNamesTheCommandOnce) {
  const Ran check = run_assay({"ima", "policy", "check", "--help"});
  EXPECT_NE(check.out.find("Usage: assay ima policy check [OPTIONS] FILE\n"), check.out.npos)
      << check.out;
  const Ran diff = run_assay({"ima", "policy", "diff", "--help"});
  EXPECT_NE(diff.out.find("Usage: assay ima policy diff [OPTIONS] FILE [SECOND]\n"), diff.out.npos)
      << diff.out;
}

TEST_F(ImaPolicyTest, RulesOfTheCommandLine) {
  const Ran booted =
      run_assay({"ima", "policy", "explain", "--json", "--func", "BPRM_CHECK", "--fowner", "0",
                 "--fsmagic", "0xef53", "--cmdline", "ima_policy=appraise_tcb"});
  ASSERT_EQ(booted.status, 0) << booted.error << booted.out;
  EXPECT_EQ(booted.lines()[0]["policy"], "appraise_tcb policy");
  EXPECT_EQ(booted.lines()[0]["number"], 1);
  EXPECT_EQ(booted.lines().back()["appraised"], true);
  const Ran change = run_assay({"ima", "policy", "diff", "--json", "--fowner", "0", "--cmdline",
                                "ima_policy=secure_boot", policy("measure func=BPRM_CHECK\n")});
  EXPECT_EQ(change.status, 1) << change.error;
  ASSERT_EQ(change.lines().size(), 5U) << change.out;
  EXPECT_EQ(change.lines()[1]["hook"], "MODULE_CHECK");
  EXPECT_EQ(change.lines()[1]["second"], "nothing is done");
}

TEST_F(ImaPolicyTest, Text) {
  const Ran ran = run_assay({"ima", "policy", "check", policy("measure\nmeasure uid=0\nmeasur\n")});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.out.find("note shadowed"), ran.out.npos) << ran.out;
  EXPECT_NE(ran.out.find(":3: measur"), ran.out.npos) << ran.out;
}

TEST_F(ImaPolicyTest, Explain) {
  const std::string file =
      policy("dont_appraise fsmagic=0x1021994\nappraise func=BPRM_CHECK appraise_type=imasig\n");
  const Ran ran = run_assay(
      {"ima", "policy", "explain", "--json", "--func", "BPRM_CHECK", "--fsmagic", "0xef53", file});
  EXPECT_EQ(ran.status, 0) << ran.error;
  const auto found = ran.lines();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0]["finding"], "misses");
  EXPECT_EQ(found[0]["condition"], "fsmagic");
  EXPECT_EQ(found[1]["finding"], "matches");
  EXPECT_EQ(found[2]["schema"], "assay.policy-answer/1");
  EXPECT_EQ(found[2]["appraised"], true);
  EXPECT_EQ(found[2]["requires"][0], "a signature");
  // On a tmpfs the first rule says not to; without knowing, it is open.
  const Ran tmpfs = run_assay(
      {"ima", "policy", "explain", "--json", "--func", "BPRM_CHECK", "--fsmagic", "1021994", file});
  EXPECT_EQ(tmpfs.lines().back()["appraised"], false);
  EXPECT_EQ(run_assay({"ima", "policy", "explain", "--func", "BPRM_CHECK", file}).status, 2);
  EXPECT_EQ(run_assay({"ima", "policy", "explain", "--func", "MMAP_CHECK", "--file", file,
                       policy("appraise func=NONE\n")})
                .status,
            1);
}

TEST_F(ImaPolicyTest, Diff) {
  const std::string old_policy = write("old", "appraise func=BPRM_CHECK fowner=0\n");
  const std::string new_policy = write("new", "appraise func=BPRM_CHECK appraise_type=imasig\n");
  const Ran ran =
      run_assay({"ima", "policy", "diff", "--json", "--fowner", "0", old_policy, new_policy});
  EXPECT_EQ(ran.status, 1) << ran.error;
  ASSERT_EQ(ran.lines().size(), 1U) << ran.out;
  EXPECT_EQ(ran.lines()[0]["schema"], "assay.policy-difference/1");
  EXPECT_EQ(ran.lines()[0]["hook"], "BPRM_CHECK");
  EXPECT_EQ(ran.lines()[0]["first"], "appraised");
  EXPECT_EQ(run_assay({"ima", "policy", "diff", "--fowner", "0", old_policy, old_policy}).status,
            0);
  // A file that options describe has no path.
  EXPECT_TRUE(ran.lines()[0]["path"].is_null());
  const Ran text = run_assay({"ima", "policy", "diff", "--fowner", "0", old_policy, new_policy});
  EXPECT_TRUE(text.out.starts_with("a file as described  BPRM_CHECK\n")) << text.out;
  // Files by their owner: two of each fate.
  std::vector<std::string> many{"ima", "policy", "diff", "--json", old_policy, new_policy};
  for (const char* name : {"a", "b"}) {
    many.emplace_back("--file");
    many.push_back(write(name, ""));
  }
  EXPECT_EQ(run_assay(many).lines().size(), 2U);
  // dont_audit is a word of 7.2 only: 6.1 takes nothing of that policy.
  const std::string newer = write("newer", "audit func=BPRM_CHECK\ndont_audit\n");
  EXPECT_EQ(run_assay({"ima", "policy", "diff", "--fowner", "0", "--kernel-version", "6.1",
                       "--second-kernel-version", "7.2", newer, newer})
                .status,
            1);
}

TEST_F(ImaPolicyTest, WhatCannotBeReadIsNotFoundOut) {
  EXPECT_EQ(run_assay({"ima", "policy", "check", folder_ / "none"}).status, 2);
  EXPECT_EQ(
      run_assay({"ima", "policy", "check", "--kernel-version", "new", policy("measure\n")}).status,
      2);
  EXPECT_EQ(run_assay({"ima", "policy"}).status, 2);
}

}  // namespace
}  // namespace assay
