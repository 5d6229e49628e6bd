// Files are read before the platforms are known; that must not be seen in a verdict.

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "platforms/platform_file.h"
#include "survey/survey.h"
#include "testing/der.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

constexpr std::string_view kPlatform = R"(schema = 1
[kernel]
version = "6.12"
arch = "x86_64"
variant = "mainline"
cmdline = "quiet"
[kernel.config]
CONFIG_IMA = "y"
CONFIG_IMA_APPRAISE = "y"
CONFIG_IMA_APPRAISE_BOOTPARAM = "y"
CONFIG_IMA_DEFAULT_HASH = "sha256"
CONFIG_CRYPTO_SHA256 = "y"
CONFIG_IMA_WRITE_POLICY = "y"
CONFIG_IMA_DEFAULT_TEMPLATE = "ima-ng"
CONFIG_MODULES = "y"
CONFIG_MODULE_SIG = "y"
[state]
secure_boot = false
lockdown = "none"
sig_enforce = false
modules_disabled = false
[keyrings]
ima = []
evm = []
ima_blacklist = []
[ima]
policy = [@]
[subject]
uid = 0
)";

constexpr unsigned kFiles = 40;

// The first worker reads the platforms; the second has long read all files when this is done.
constexpr auto kLong = std::chrono::milliseconds(300);

class JudgeSurvey : public ::testing::Test {
 protected:
  JudgeSurvey() {
    write_file(folder_ / "policy", der::bytes("appraise func=MODULE_CHECK\n"));
    for (unsigned i = 0; i < kFiles; ++i)
      write_file(folder_ / ("module" + std::to_string(i) + ".ko"), der::bytes("no ELF file"));
  }

  Result<std::vector<Platform>> platforms(bool with_policy) const {
    std::string text(kPlatform);
    text.replace(text.find("@"), 1, with_policy ? "\"policy\"" : "");
    PlatformInputs inputs;
    ASSAY_TRY(Platform platform, parse_platform(text, folder_.path(), "platform", inputs));
    std::vector<Platform> all;
    all.push_back(std::move(platform));
    return all;
  }

  // Each file's verdict, as text.
  std::vector<std::string> judge(unsigned jobs, const ReadPlatforms& read) const {
    SurveyOptions options;
    options.paths = {folder_.path()};
    options.jobs = jobs;
    std::vector<std::string> verdicts;
    const auto surveyed =
        survey_and_judge_on(options, {}, read, [&](const std::vector<JudgedModule>& judged) {
          const Verdict& verdict = judged.front().verdict;
          verdicts.push_back(judged.front().path + ' ' + std::string(errno_name(verdict.err)) +
                             ' ' + (verdict.deciding ? std::string(verdict.deciding->id) : "none"));
        });
    EXPECT_TRUE(surveyed) << surveyed.error().detail;
    return verdicts;
  }

  TemporaryFolder folder_;
};

TEST_F(JudgeSurvey, IsTheSameHoweverLongThePlatformsTake) {
  for (const bool with_policy : {false, true}) {
    const auto at_once = judge(1, [&] { return platforms(with_policy); });
    const auto late = judge(2, [&] {
      std::this_thread::sleep_for(kLong);
      return platforms(with_policy);
    });
    EXPECT_EQ(at_once, late);
    ASSERT_EQ(at_once.size(), kFiles);
    // IMA is asked first, of a file that has no security.ima; else the file is no module.
    EXPECT_TRUE(at_once.front().contains(with_policy ? " EACCES " : " ENOEXEC "))
        << at_once.front();
  }
}

// A file is looked at for all platforms; which of it a walk comes by is the platform's own affair.
TEST_F(JudgeSurvey, WalksDoNotDependOnOtherPlatforms) {
  const auto walks = [&](const std::vector<bool>& with_policy, std::size_t which) {
    SurveyOptions options;
    options.paths = {folder_.path()};
    options.jobs = 1;
    std::vector<const Rule*> rules;
    const auto surveyed = survey_and_judge_on(
        options, {},
        [&]() -> Result<std::vector<Platform>> {
          std::vector<Platform> all;
          for (const bool with : with_policy) {
            ASSAY_TRY(auto one, platforms(with));
            all.push_back(std::move(one.front()));
          }
          return all;
        },
        [&](const std::vector<JudgedModule>& judged) {
          for (const Step& step : judged.at(which).verdict.steps) rules.push_back(step.rule);
        });
    EXPECT_TRUE(surveyed);
    EXPECT_FALSE(rules.empty());
    return rules;
  };
  EXPECT_EQ(walks({false, true}, 0), walks({false}, 0));
  EXPECT_EQ(walks({false, true}, 1), walks({true}, 0));
}

TEST_F(JudgeSurvey, SaysNothingWithoutPlatforms) {
  for (const unsigned jobs : {1U, 2U}) {
    SurveyOptions options;
    options.paths = {folder_.path()};
    options.jobs = jobs;
    unsigned reports = 0;
    const auto surveyed = survey_and_judge_on(
        options, {},
        [&]() -> Result<std::vector<Platform>> {
          std::this_thread::sleep_for(kLong);
          return fail(Reason::usage, {}, "no such platform");
        },
        [&](const std::vector<JudgedModule>&) { ++reports; });
    EXPECT_FALSE(surveyed);
    EXPECT_EQ(reports, 0U);
  }
}

}  // namespace
}  // namespace assay
