// Loading policies: ima_fs.c.

#include "ima/policy_load.h"

#include <gtest/gtest.h>

#include "ima/rules.h"

namespace assay {
namespace {

namespace load_rule = rules::ima_load;
using Causes = std::vector<std::string>;

class ImaPolicyLoad : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* option : {"CONFIG_IMA", "CONFIG_IMA_APPRAISE", "CONFIG_IMA_WRITE_POLICY"})
      config.set(option, "y");
    boot("");
  }
  void boot(const std::string& line) {
    walk.emplace(KernelId{}, std::vector<Choice>(), false);
    setup.emplace(ImaSetup{config, crypto, line, Truth::no, Truth::no});
    state.emplace(*walk, *setup);
  }
  ImaPolicySession session() { return {*walk, *state, *setup}; }
  const Rule* decided(const Outcome& outcome) const {
    return outcome.failed() ? walk->steps()[static_cast<std::size_t>(outcome.step)].rule : nullptr;
  }

  KernelConfig config;
  KernelCrypto crypto;
  std::optional<Walk> walk;
  std::optional<ImaSetup> setup;
  std::optional<ImaState> state;
};

TEST_F(ImaPolicyLoad, WhatIsWrittenIsInForceWhenClosed) {
  auto first = session();
  EXPECT_FALSE(first.open().failed());
  EXPECT_FALSE(first.write("# a comment\n").failed());
  EXPECT_FALSE(first.write("measure func=BPRM_CHECK\n").failed());
  EXPECT_FALSE(first.write("appraise func=FIRMWARE_CHECK").failed());
  EXPECT_TRUE(state->rules().empty());
  EXPECT_TRUE(first.close());
  EXPECT_EQ(first.causes(), Causes{"completed"});
  ASSERT_EQ(state->rules().size(), 2U);
  EXPECT_EQ(state->rules()[1].number, 3U);
  EXPECT_EQ(state->appraise(), appraise_mode::kEnforce | appraise_mode::kFirmware);
}

TEST_F(ImaPolicyLoad, OneBadLineLosesAll) {
  auto bad = session();
  EXPECT_FALSE(bad.write("appraise func=FIRMWARE_CHECK\n").failed());
  EXPECT_TRUE(bad.write("measure func=NOSUCH\n").failed());
  EXPECT_FALSE(bad.close());
  EXPECT_EQ(bad.causes(), (Causes{"invalid-policy", "failed"}));
  EXPECT_FALSE(state->has_custom_policy());
  EXPECT_EQ(state->appraise(), appraise_mode::kEnforce);
}

TEST_F(ImaPolicyLoad, NoRuleIsNoPolicy) {
  auto empty = session();
  EXPECT_FALSE(empty.write("# nothing\n").failed());
  EXPECT_FALSE(empty.close());
  EXPECT_EQ(empty.causes(), Causes{"failed"});
}

TEST_F(ImaPolicyLoad, ALaterPolicyIsAppended) {
  auto first = session();
  EXPECT_FALSE(first.write("measure func=BPRM_CHECK\n").failed());
  EXPECT_TRUE(first.close());
  auto second = session();
  EXPECT_FALSE(second.open().failed());
  // A label that no module knows is let through only now.
  EXPECT_FALSE(second.write("measure obj_type=x\n").failed());
  EXPECT_TRUE(second.close());
  EXPECT_EQ(state->rules().size(), 2U);
  EXPECT_TRUE(state->rules()[1].rule.is_inactive());
}

TEST_F(ImaPolicyLoad, ASignedPolicyComesByItsPath) {
  boot("ima_policy=secure_boot");
  auto direct = session();
  EXPECT_EQ(decided(direct.write("measure func=BPRM_CHECK\n")), &load_rule::no_signed_policy);
  EXPECT_FALSE(direct.close());
  EXPECT_EQ(direct.causes(), (Causes{"signed policy required", "failed"}));
  auto path = session();
  EXPECT_FALSE(path.load("measure func=BPRM_CHECK\n\n# end\n").failed());
  EXPECT_TRUE(path.close());
  // No rule asks for it any more, and still policies do not come as text.
  EXPECT_EQ(state->rules().size(), 1U);
  auto again = session();
  EXPECT_EQ(decided(again.write("measure\n")), &load_rule::no_signed_policy);
}

TEST_F(ImaPolicyLoad, AFileEndsInANewline) {
  auto cut = session();
  EXPECT_EQ(decided(cut.load("measure\naudit")), &load_rule::last_newline);
  EXPECT_FALSE(cut.close());
  using namespace std::string_view_literals;
  auto nul = session();
  EXPECT_EQ(decided(nul.load("measure\0audit\n"sv)), &load_rule::last_newline);
  auto bad = session();
  EXPECT_EQ(decided(bad.load("measure\nmeasur\naudit")), &rules::ima_policy::known_word);
  auto refused = session();
  refused.fail();
  EXPECT_FALSE(refused.close());
}

TEST_F(ImaPolicyLoad, OnceWithoutWritePolicy) {
  config.set("CONFIG_IMA_WRITE_POLICY", "n");
  auto failed = session();
  EXPECT_FALSE(failed.open().failed());
  EXPECT_FALSE(failed.close());
  auto first = session();
  EXPECT_FALSE(first.open().failed());
  EXPECT_FALSE(first.write("measure").failed());
  EXPECT_TRUE(first.close());
  EXPECT_EQ(decided(session().open()), &load_rule::file_there);
  config.set("CONFIG_IMA_READ_POLICY", "y");
  EXPECT_EQ(decided(session().open()), &load_rule::not_busy);
}

}  // namespace
}  // namespace assay
