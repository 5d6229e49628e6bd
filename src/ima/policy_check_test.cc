#include "ima/policy_check.h"

#include <gtest/gtest.h>

#include "ima/policy_explain.h"
#include "ima/rules.h"

namespace assay {
namespace {

const KernelCrypto kCrypto;

CheckedPolicy check_whole(std::string_view policy, const KernelConfig& config,
                          const std::string& cmdline = {}, KernelVersion version = kAnchor72) {
  return check_ima_policy({version, Variant::mainline, Arch::x86_64}, policy,
                          {config, kCrypto, cmdline, Truth::no, Truth::no});
}

std::vector<CheckedPolicyLine> check(std::string_view policy, KernelVersion version = kAnchor72) {
  KernelConfig config;
  config.set("CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS", "y");
  return check_whole(policy, config, {}, version).lines;
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
  const auto unknown =
      check_whole("appraise func=MODULE_CHECK appraise_type=imasig|modsig\nmeasure\n", {}).lines;
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

TEST(ImaPolicyCheck, AShadowingRuleIsNamedByItsLine) {
  const auto lines = check("# comment\nnonsense\n\nmeasure\nmeasure func=BPRM_CHECK\n");
  ASSERT_EQ(lines.back().notes.size(), 1U);
  EXPECT_TRUE(lines.back().notes[0].text.starts_with("line 4 (measure) "))
      << lines.back().notes[0].text;
}

TEST(ImaPolicyCheck, ARuleOfTheKernelShadowsToo) {
  KernelConfig config = config_with_all_of_ima();
  config.set("CONFIG_IMA_APPRAISE_BUILD_POLICY", "y");
  config.set("CONFIG_IMA_APPRAISE_REQUIRE_KEXEC_SIGS", "y");
  const auto checked = check_whole("dont_appraise func=KEXEC_KERNEL_CHECK fowner=0\n", config);
  ASSERT_EQ(checked.lines[0].notes.size(), 1U);
  EXPECT_TRUE(checked.lines[0].notes[0].text.starts_with("rule 1 of the build-time policy "))
      << checked.lines[0].notes[0].text;
}

TEST(ImaPolicyCheck, WholeOrNotAtAll) {
  EXPECT_EQ(check_whole("measure\naudit\n", {}).loads, Truth::yes);
  EXPECT_EQ(check_whole("measure\nnonsense\n", {}).loads, Truth::no);
  EXPECT_EQ(check_whole("# nothing\n", {}).loads, Truth::no) << "close(2) drops an empty session";
  const char* modsig = "measure\nappraise func=MODULE_CHECK appraise_type=imasig|modsig\n";
  EXPECT_EQ(check_whole(modsig, {}).loads, Truth::unknown);
  const std::string both = std::string(modsig) + "nonsense\n";
  EXPECT_EQ(check_whole(both, {}).loads, Truth::no);
}

TEST(ImaPolicyCheck, NotesOnTheWhole) {
  KernelConfig without_appraise = config_with_all_of_ima();
  without_appraise.set("CONFIG_IMA_APPRAISE", "n");
  KernelConfig without_signatures = config_with_all_of_ima();
  without_signatures.set("CONFIG_INTEGRITY_SIGNATURE", "n");
  without_signatures.set("CONFIG_INTEGRITY_ASYMMETRIC_KEYS", "y");
  const std::string pseudo =
      "dont_appraise fsmagic=0x9fa0\ndont_appraise fsmagic=0x62656572\n"
      "dont_appraise fsmagic=0x73636673\ndont_appraise fsmagic=0x63677270\n";
  struct Row {
    std::string policy;
    KernelConfig config;
    std::string cmdline;
    const char* note;  // nothing: none
  };
  const Row rows[] = {
      {"measure\n", {}, "", nullptr},
      {"appraise fowner=0\n", {}, "", "locks-out"},
      {"appraise func=FILE_CHECK appraise_type=imasig\n", {}, "", "locks-out"},
      {"appraise fowner=1000\n", {}, "", nullptr},
      {"appraise fsmagic=0xef53\n", {}, "", nullptr},
      {"appraise func=BPRM_CHECK\n", {}, "", nullptr},
      {pseudo + "appraise fowner=0\n", {}, "", nullptr},
      {"appraise fowner=0\n" + pseudo, {}, "", "locks-out"},
      {"appraise func=POLICY_CHECK\n", {}, "", "seals"},
      {"measure\n", {}, "ima_policy=critical_data", nullptr},
      {"appraise func=BPRM_CHECK\n", {}, "ima_appraise=log", "not-enforced"},
      {"measure\n", {}, "ima_appraise=log", nullptr},
      {"appraise func=BPRM_CHECK\n", without_appraise, "", "appraises-nothing"},
      {"appraise func=BPRM_CHECK appraise_type=imasig\n", without_signatures, "", "no-signatures"},
      {"appraise func=BPRM_CHECK\n", without_signatures, "", nullptr},
  };
  for (const Row& row : rows) {
    const auto notes = check_whole(row.policy, row.config, row.cmdline).notes;
    ASSERT_EQ(notes.size(), row.note == nullptr ? 0U : 1U)
        << row.policy << (notes.empty() ? "" : notes[0].text);
    if (row.note != nullptr) {
      EXPECT_EQ(notes[0].id, row.note) << row.policy;
    }
  }
}

TEST(ImaPolicyCheck, WhatABuiltInPolicyClosedIsSaidToOpen) {
  const std::string firmware = "appraise func=FIRMWARE_CHECK appraise_type=imasig\n";
  const std::string kexec = "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig\n";
  const std::string modules = "appraise func=MODULE_CHECK appraise_type=imasig\n";
  const auto opened = [](const std::string& policy) {
    std::vector<std::string> rules;
    for (const PolicyNote& note : check_whole(policy, {}, "ima_policy=secure_boot").notes)
      if (note.id == "opens") rules.push_back(note.text.substr(0, note.text.find(" (")));
    return rules;
  };
  using Rules = std::vector<std::string>;
  EXPECT_EQ(
      opened(firmware + kexec + modules + "appraise func=POLICY_CHECK appraise_type=imasig\n"),
      Rules());
  EXPECT_EQ(opened(firmware + kexec + modules), Rules{"rule 4 of the secure_boot policy"});
  EXPECT_EQ(opened("appraise appraise_type=imasig\n"), Rules());
  EXPECT_EQ(opened("dont_appraise func=FIRMWARE_CHECK\nappraise appraise_type=imasig\n"),
            Rules{"rule 2 of the secure_boot policy"});
  EXPECT_EQ(opened("appraise fowner=0\n").size(), 4U) << "a digest is not a signature";
}

}  // namespace
}  // namespace assay
