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
  ASSERT_EQ(found.size(), 4U);
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

TEST_F(ImaPolicyTest, Text) {
  const Ran ran = run_assay({"ima", "policy", "check", policy("measure\nmeasure uid=0\nmeasur\n")});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.out.find("note shadowed"), ran.out.npos) << ran.out;
  EXPECT_NE(ran.out.find(":3: measur"), ran.out.npos) << ran.out;
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
