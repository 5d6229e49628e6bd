#include "judge/ima_door.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(ImaDoor, FindsTheRuleThatAppraises) {
  Platform platform;
  platform.config.set("CONFIG_IMA_APPRAISE", "y");
  platform.cmdline = "quiet";
  EXPECT_FALSE(find_appraisal_rule(platform, "MODULE_CHECK"));
  platform.ima.initial_rules = {"measure func=MODULE_CHECK",
                                "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig"};
  EXPECT_FALSE(find_appraisal_rule(platform, "MODULE_CHECK"));
  EXPECT_EQ(find_appraisal_rule(platform, "KEXEC_KERNEL_CHECK"),
            "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig");
  // A rule may begin with a condition; one without a hook is for all of them.
  platform.ima.policy = {"# appraise\nfunc=FIRMWARE_CHECK appraise\nfowner=0 appraise\n"};
  EXPECT_EQ(find_appraisal_rule(platform, "MODULE_CHECK"), "fowner=0 appraise");
  platform.config.set("CONFIG_IMA_APPRAISE", "n");
  EXPECT_FALSE(find_appraisal_rule(platform, "MODULE_CHECK"));
}

TEST(ImaDoor, BuiltInPoliciesByTheCommandLine) {
  Platform platform;
  platform.config.set("CONFIG_IMA_APPRAISE", "y");
  platform.cmdline = "quiet ima_policy=secure_boot";
  EXPECT_EQ(find_appraisal_rule(platform, "MODULE_CHECK"), "ima_policy=secure_boot");
  platform.cmdline = "quiet ima_policy=tcb";
  EXPECT_FALSE(find_appraisal_rule(platform, "MODULE_CHECK"));
  platform.ima.builtin_names = {"appraise_tcb"};
  EXPECT_EQ(find_appraisal_rule(platform, "MODULE_CHECK"), "ima_policy=appraise_tcb");
}

}  // namespace
}  // namespace assay
