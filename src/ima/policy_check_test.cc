#include "ima/policy_check.h"

#include <gtest/gtest.h>

#include "ima/rules.h"

namespace assay {
namespace {

std::vector<CheckedPolicyLine> check(std::string_view policy, KernelVersion version = kAnchor72) {
  KernelConfig config;
  config.set("CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS", "y");
  return check_ima_policy({version, Variant::mainline, Arch::x86_64}, policy, config, {});
}

TEST(ImaPolicyCheck, EachRuleIsJudgedByItself) {
  const auto lines = check("# comment\nmeasure func=BPRM_CHECK\n\nmeasure fsmagic=zz\naudit\n");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].number, 2U);
  EXPECT_EQ(lines[0].accepted, Truth::yes);
  EXPECT_EQ(lines[0].shown, "measure func=BPRM_CHECK ");
  EXPECT_EQ(lines[1].number, 4U);
  EXPECT_EQ(lines[1].accepted, Truth::no);
  EXPECT_EQ(lines[1].err, Errno::einval);
  EXPECT_EQ(lines[1].word, "fsmagic=zz");
  EXPECT_EQ(lines[1].where, (Extent{43, 10}));
  EXPECT_EQ(lines[1].decides, &rules::ima_policy::fsmagic_number);
  EXPECT_EQ(lines[2].accepted, Truth::yes);
}

TEST(ImaPolicyCheck, WhatTheKernelLeavesOpenIsNamed) {
  const auto between = check("dont_audit\n", {6, 18});
  EXPECT_EQ(between[0].accepted, Truth::unknown);
  EXPECT_EQ(between[0].open, std::vector<std::string>{"kernel.version"});
  const auto unknown = check_ima_policy(
      KernelId{}, "appraise func=MODULE_CHECK appraise_type=imasig|modsig\nmeasure\n", {}, {});
  EXPECT_EQ(unknown[0].accepted, Truth::unknown);
  EXPECT_EQ(unknown[0].open, std::vector<std::string>{"config: CONFIG_IMA_APPRAISE_MODSIG"});
  EXPECT_EQ(unknown[1].accepted, Truth::yes);
}

TEST(ImaPolicyCheck, Notes) {
  struct Row {
    const char* policy;
    const char* note;  // of its last line; nothing: none
  };
  const Row rows[] = {
      {"measure\nmeasure func=BPRM_CHECK\n", "shadowed"},
      {"dont_appraise fowner=0\nappraise fowner=0 func=BPRM_CHECK\n", "shadowed"},
      {"measure fowner=0\nmeasure fowner=1\n", nullptr},
      {"measure\naudit\n", nullptr},
      {"measure func=FILE_CHECK\nmeasure func=KEY_CHECK\n", nullptr},
      {"measure func=KEY_CHECK gid=1\nmeasure func=KEY_CHECK uid=0\n", "shadowed"},
      {"measure\nmeasure func=KEY_CHECK\n", nullptr},
      {"appraise func=BPRM_CHECK mask=MAY_READ\n", "mask-never"},
      {"appraise func=BPRM_CHECK mask=^MAY_EXEC\n", nullptr},
      {"measure func=FILE_CHECK mask=MAY_WRITE\n", nullptr},
      {"measure func=CRITICAL_DATA gid=0\n", "gid-ignored"},
      {"measure pcr=24\n", "no-such-pcr"},
      {"measure pcr=23\n", nullptr},
      {"appraise func=SETXATTR_CHECK appraise_algos=sha256\n"
       "appraise func=SETXATTR_CHECK appraise_algos=sha512\n",
       "setxattr-decided"},
      {"appraise appraise_type=imasig digest_type=verity\n", "verity-signature"},
      {"appraise digest_type=verity appraise_type=sigv3\n", nullptr},
      {"measure", "no-newline"},
  };
  for (const Row& row : rows) {
    const auto lines = check(row.policy);
    const auto& notes = lines.back().notes;
    EXPECT_EQ(notes.size(), row.note == nullptr ? 0U : 1U) << row.policy;
    if (row.note != nullptr && !notes.empty()) {
      EXPECT_EQ(notes[0].id, row.note) << row.policy;
    }
  }
}

}  // namespace
}  // namespace assay
