#include "ima/platform_ima.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

Platform machine() {
  Platform platform;
  platform.kernel = {kAnchor72, Variant::mainline, Arch::x86_64};
  for (const char* option : {"CONFIG_IMA", "CONFIG_IMA_APPRAISE", "CONFIG_TMPFS_XATTR"})
    platform.config.set(option, "y");
  platform.config.set("CONFIG_IMA_DEFAULT_HASH", "sha256");
  platform.config.set("CONFIG_IMA_DEFAULT_TEMPLATE", "ima-ng");
  platform.cmdline = "quiet";
  platform.state.secure_boot = false;
  return platform;
}

TEST(PlatformIma, CustomPoliciesAreInForce) {
  Platform platform = machine();
  EXPECT_FALSE(PlatformIma(platform).has_rules());
  platform.ima.policy = {"measure func=BPRM_CHECK\nappraise fowner=0\n"};
  const PlatformIma ima(platform);
  EXPECT_TRUE(ima.has_rules());
  Walk walk(platform.kernel, {}, false);
  std::optional<ImaState> room;
  const ImaState& state = ima.state(walk, room);
  EXPECT_FALSE(room) << "nothing is open";
  EXPECT_EQ(state.rules().size(), 2U);
  EXPECT_TRUE(state.has_custom_policy());
  EXPECT_EQ(ima.hashes(), std::vector<const HashAlgo*>{find_hash_algo("sha256")});
  // One wrong rule, and none is in force.
  platform.ima.policy = {"appraise fowner=0\nappraise func=NONE\n"};
  EXPECT_FALSE(PlatformIma(platform).has_rules());
}

TEST(PlatformIma, WhatIsOpenIsSettledByTheWalk) {
  Platform platform = machine();
  platform.cmdline.reset();
  const PlatformIma ima(platform);
  EXPECT_TRUE(ima.has_rules()) << "there may be a policy";
  Walk walk(platform.kernel, {}, false);
  std::optional<ImaState> room;
  ima.state(walk, room);
  EXPECT_TRUE(room);
  EXPECT_FALSE(walk.choices().empty());
  // What the platform says of the boot stands in for the command line.
  platform.ima.appraise = "log";
  platform.ima.builtin_names = {"secure_boot"};
  const PlatformIma known(platform);
  Walk other(platform.kernel, {}, false);
  EXPECT_EQ(known.state(other, room).rules().size(), 4U);
}

TEST(PlatformIma, RulesAreKnownOrNot) {
  Platform platform = machine();
  EXPECT_EQ(PlatformIma(platform).is_whole(), Truth::unknown);
  platform.ima.initial_rules = {"measure func=BPRM_CHECK ", "appraise func=POLICY_CHECK fowner=0 "};
  const PlatformIma shown(platform);
  EXPECT_EQ(shown.is_whole(), Truth::yes);
  Walk walk(platform.kernel, {}, false);
  std::optional<ImaState> room;
  const ImaState& state = shown.state(walk, room);
  ASSERT_EQ(state.rules().size(), 2U);
  EXPECT_TRUE(state.appraise() & appraise_mode::kPolicy);
  platform.ima.initial_rules.reset();
  platform.ima.policy_is_known = true;
  EXPECT_EQ(PlatformIma(platform).is_whole(), Truth::yes);
  platform.ima.policy_is_known = false;
  platform.config.set("CONFIG_IMA_APPRAISE", "n");
  EXPECT_EQ(PlatformIma(platform).is_whole(), Truth::yes);
}

TEST(PlatformIma, SecureBootOfS390IsItsLoader) {
  Platform platform = machine();
  EXPECT_EQ(ima_secure_boot(platform), Truth::no);
  platform.kernel.arch = Arch::s390x;
  EXPECT_EQ(ima_secure_boot(platform), Truth::unknown);
  platform.state.ipl_secure = true;
  EXPECT_EQ(ima_secure_boot(platform), Truth::yes);
}

TEST(PlatformIma, EvmIsOffWithoutKeys) {
  Platform platform = machine();
  platform.config.set("CONFIG_EVM", "y");
  EXPECT_EQ(evm_state(platform).has_public_key, Truth::unknown);
  platform.ring(Ring::evm) = std::make_shared<Keyring>(".evm");
  EXPECT_EQ(evm_state(platform).has_public_key, Truth::no);
  platform.ring(Ring::evm).reset();
  platform.config.set("CONFIG_EVM", "n");
  EXPECT_EQ(evm_state(platform).has_public_key, Truth::no);
}

TEST(PlatformIma, TheDeepestMountHoldsTheFile) {
  Platform platform = machine();
  platform.filesystems = {{"/", "ext4", 0xef53, "11111111-2222-3333-4444-555555555555", 0, 0},
                          {"/run", "tmpfs", 0x01021994, "", {}, {}},
                          {"/proc", "proc", 0x9fa0, "", {}, {}}};
  EXPECT_EQ(find_filesystem(platform, "/runner")->type, "ext4");
  EXPECT_EQ(find_filesystem(platform, "/run/x")->type, "tmpfs");
  EXPECT_EQ(find_filesystem(platform, "relative"), nullptr);
  const ImaFile root = ima_file_on(platform.filesystems[0], platform.config);
  ASSERT_TRUE(root.filesystem.uuid);
  EXPECT_EQ(root.filesystem.uuid->front(), 0x11);
  EXPECT_EQ(root.filesystem.uuid->back(), 0x55);
  EXPECT_EQ(root.filesystem.has_xattrs, Truth::yes);
  EXPECT_EQ(ima_file_on(platform.filesystems[1], platform.config).filesystem.has_xattrs,
            Truth::yes);
  EXPECT_EQ(ima_file_on(platform.filesystems[2], platform.config).filesystem.has_xattrs, Truth::no);
  EXPECT_FALSE(parse_fs_uuid("11111111-2222"));
  EXPECT_FALSE(parse_fs_uuid("x1111111-2222-3333-4444-555555555555"));
}

}  // namespace
}  // namespace assay
