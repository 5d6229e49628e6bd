#include "ima/policy_explain.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

ImaEvent event_of(ImaHook hook) {
  ImaEvent event;
  event.hook = hook;
  event.mask = usual_mask(hook);
  event.subject = ImaSubject::with_ids(0, 0);
  return event;
}

ImaFile root_file() {
  ImaFile file;
  file.owner = 0;
  file.group = 0;
  file.filesystem.magic = 0xef53;
  return file;
}

ExplainedPolicy explain(std::string_view policy, ImaHook hook, const ImaFile& file,
                        KernelVersion version = kAnchor72) {
  const KernelConfig config = config_with_all_of_ima();
  const KernelCrypto crypto;
  return explain_ima_policy({version, Variant::mainline, Arch::x86_64}, policy,
                            {config, crypto, "", Truth::no, Truth::no}, event_of(hook), file);
}

TEST(ExplainImaPolicy, RuleByRule) {
  const ExplainedPolicy explained = explain(
      "# comment\nappraise fowner=1000\nmeasure func=BPRM_CHECK\n\n"
      "appraise func=BPRM_CHECK appraise_type=imasig\nappraise fowner=0\n",
      ImaHook::bprm_check, root_file());
  ASSERT_EQ(explained.rules.size(), 4U);
  EXPECT_EQ(explained.rules[0].number, 2U);
  EXPECT_EQ(explained.rules[0].kind, RuleTrial::Kind::missed);
  EXPECT_EQ(explained.rules[0].condition, "fowner");
  EXPECT_EQ(explained.rules[1].kind, RuleTrial::Kind::matched);
  EXPECT_EQ(explained.rules[2].number, 5U);
  EXPECT_EQ(explained.rules[2].kind, RuleTrial::Kind::matched);
  EXPECT_EQ(explained.rules[3].kind, RuleTrial::Kind::not_asked) << "appraising is decided";
  EXPECT_TRUE(explained.actions.measure);
  EXPECT_TRUE(explained.actions.appraise);
  EXPECT_FALSE(explained.actions.audit);
  EXPECT_EQ(explained.requirements.front(), "a signature");
  EXPECT_TRUE(explained.open.empty());
}

TEST(ExplainImaPolicy, WhatIsNotKnownIsNamed) {
  ImaFile file = root_file();
  file.owner.reset();
  const ExplainedPolicy open = explain("appraise fowner=7\n", ImaHook::file_check, file);
  ASSERT_EQ(open.open.size(), 1U);
  EXPECT_NE(open.open[0].find("7"), std::string::npos);
  // The answer is the same either way.
  EXPECT_TRUE(explain("dont_audit fowner=7\n", ImaHook::file_check, file).open.empty());
}

TEST(ExplainImaPolicy, APolicyThatIsNotTaken) {
  const ExplainedPolicy refused =
      explain("measure\nappraise func=NONE\n", ImaHook::file_check, root_file());
  EXPECT_EQ(refused.refused_line, 2U);
  ASSERT_NE(refused.refused_by, nullptr);
  EXPECT_EQ(refused.refused_by->otherwise, Errno::einval);
  // dont_audit is a word of 7.2.
  EXPECT_EQ(explain("dont_audit\n", ImaHook::file_check, root_file(), kAnchor612).refused_line, 1U);
  EXPECT_EQ(explain("dont_audit\n", ImaHook::file_check, root_file()).refused_line, 0U);
}

TEST(ExplainImaPolicy, RulesOfTheKernelComeFirst) {
  KernelConfig config = config_with_all_of_ima();
  config.set("CONFIG_IMA_APPRAISE_REQUIRE_MODULE_SIGS", "y");
  config.set("CONFIG_IMA_APPRAISE_BUILD_POLICY", "y");
  const KernelCrypto crypto;
  const ImaSetup setup{config, crypto, "ima_policy=appraise_tcb", Truth::no, Truth::no};
  const KernelId kernel;
  const ExplainedPolicy loaded = explain_ima_policy(kernel, "dont_appraise\n", setup,
                                                    event_of(ImaHook::module_check), root_file());
  ASSERT_EQ(loaded.rules.size(), 2U) << "appraise_tcb is gone, the rule of the build stays";
  EXPECT_EQ(loaded.rules[0].origin, RuleOrigin::build_time);
  EXPECT_EQ(loaded.rules[0].kind, RuleTrial::Kind::matched);
  EXPECT_EQ(loaded.rules[1].origin, RuleOrigin::custom);
  EXPECT_EQ(loaded.rules[1].kind, RuleTrial::Kind::not_asked);
  EXPECT_TRUE(loaded.actions.appraise);
  const ExplainedPolicy booted =
      explain_ima_policy(kernel, std::nullopt, setup, event_of(ImaHook::bprm_check), root_file());
  EXPECT_EQ(booted.rules.back().origin, RuleOrigin::appraise_tcb);
  EXPECT_EQ(booted.rules.back().text, "appraise fowner=0");
  EXPECT_TRUE(booted.actions.appraise);
}

}  // namespace
}  // namespace assay
