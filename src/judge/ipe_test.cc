// Policies as security/ipe/policy_parser.c of 6.12 and 7.2 takes and refuses them, and what booted
// 7.2 said under one of them.

#include "judge/ipe.h"

#include <gtest/gtest.h>

#include "judge/rules.h"

namespace assay {
namespace {

namespace rule = rules::ipe;

constexpr KernelId kKernel{kAnchor72, Variant::debian, Arch::x86_64};

Outcome parse(Walk& walk, const std::string& text, IpePolicy& policy) {
  return parse_ipe_policy(walk, text, policy);
}

const std::string kHead = "policy_name=p policy_version=1.2.3\n";
const std::string kTail = "DEFAULT action=ALLOW\n";

struct PolicyCase {
  std::string text;
  const Rule* rule;
  Errno err = Errno::ebadmsg;
};

TEST(IpePolicy, WhatTheParserRefuses) {
  const PolicyCase cases[] = {
      {"", &rule::has_text},
      {"# nothing\n\n", &rule::header},
      {std::string("\0policy", 7), &rule::header},
      {kTail + kHead, &rule::header},
      {"policy_name=p\n" + kTail, &rule::header},
      {"policy_version=1.2.3 policy_name=p\n" + kTail, &rule::header},
      {"policy_name= policy_version=1.2.3\n" + kTail, &rule::header},
      {"policy_name=p policy_version=1.2.3 x\n" + kTail, &rule::header},
      {"policy_name=p policy_version=1.2\n" + kTail, &rule::version},
      {"policy_name=p policy_version=1.2.3.x\n" + kTail, &rule::version},
      {"policy_name=p policy_version=1.2.\n" + kTail, &rule::version_digits, Errno::einval},
      {"policy_name=p policy_version=1.0x2.3\n" + kTail, &rule::version_digits, Errno::einval},
      {"policy_name=p policy_version=1.70000x.3\n" + kTail, &rule::version_digits, Errno::einval},
      {"policy_name=p policy_version=1.65536.3\n" + kTail, &rule::version_range, Errno::erange},
      {"policy_name=p policy_version=1.99999999999999999999x.3\n" + kTail, &rule::version_range,
       Errno::erange},
      {kHead + kTail + "op=MODULE action=DENY\n", &rule::operation},
      {kHead + kTail + "boot_verified=TRUE op=KMODULE action=DENY\n", &rule::operation},
      {kHead + kTail + "DEFAULT DEFAULT action=DENY\n", &rule::operation},
      {kHead + kTail + "op=KMODULE boot_verified=true action=DENY\n", &rule::property},
      {kHead + kTail + "op=KMODULE action=DENY action=DENY\n", &rule::property},
      {kHead + kTail + "op=KMODULE op=KMODULE action=DENY\n", &rule::property},
      {kHead + kTail + "op=KMODULE fsverity_digest= action=DENY\n", &rule::property},
      {kHead + kTail + "op=KMODULE fsverity_digest=sha256 action=DENY\n", &rule::digest},
      {kHead + kTail + "op=KMODULE fsverity_digest=sha256:abc action=DENY\n", &rule::digest_digits,
       Errno::einval},
      {kHead + kTail + "op=KMODULE dmverity_roothash=sha256:0g action=DENY\n", &rule::digest_digits,
       Errno::einval},
      {kHead + kTail + "op=KMODULE action=deny\n", &rule::action},
      {kHead + kTail + "op=KMODULE\n", &rule::action},
      {kHead + "DEFAULT\n", &rule::action},
      {kHead + "DEFAULT op=KMODULE boot_verified=TRUE action=DENY\n", &rule::bare_default},
      {kHead + kTail + kTail, &rule::one_default},
      {kHead + "DEFAULT op=KMODULE action=DENY\nDEFAULT op=KMODULE action=DENY\n",
       &rule::one_default},
      {kHead + kTail + "action=DENY\n", &rule::rule_operation},
      {kHead + "DEFAULT op=KMODULE action=DENY\n", &rule::defaults},
  };
  for (const PolicyCase& one : cases) {
    Walk walk(kKernel, {}, true);
    IpePolicy policy;
    const Outcome bad = parse(walk, one.text, policy);
    ASSERT_TRUE(bad.failed()) << one.text;
    EXPECT_EQ(walk.steps()[static_cast<std::size_t>(bad.step)].rule, one.rule) << one.text;
    EXPECT_EQ(bad.err, one.err) << one.text;
  }
}

TEST(IpePolicy, WhatTheParserTakes) {
  const std::string texts[] = {
      kHead + kTail,
      "#c\r\r\n \t" + kHead + "\t DEFAULT \t action=ALLOW \v#x\r",
      "policy_name=p policy_version=+1.2.3\n" + kTail,
      "policy_name=p policy_version=01.2.65535\n" + kTail,
      kHead + kTail + "op=KMODULE fsverity_digest=sha256: action=DENY\n",
      kHead + kTail + "op=KMODULE fsverity_digest=:AB action=DENY\n",
      kHead + kTail + std::string("\0not a rule", 11),
      kHead + kTail + "op=KMODULE action=DENY",
      kHead +
          "DEFAULT op=EXECUTE action=ALLOW\nDEFAULT op=FIRMWARE action=ALLOW\nDEFAULT op=KMODULE "
          "action=DENY\nDEFAULT op=KEXEC_IMAGE action=DENY\nDEFAULT op=KEXEC_INITRAMFS "
          "action=DENY\nDEFAULT op=POLICY action=DENY\nDEFAULT op=X509_CERT action=DENY\n",
  };
  for (const std::string& text : texts) {
    Walk walk(kKernel, {}, true);
    IpePolicy policy;
    const Outcome bad = parse(walk, text, policy);
    EXPECT_FALSE(bad.failed()) << text << walk.steps().back().because;
    EXPECT_EQ(policy.name, "p");
  }
}

// The configuration of Debian's 7.2.
KernelConfig debian() {
  KernelConfig config;
  for (const char* option :
       {"CONFIG_SECURITY_IPE", "CONFIG_IPE_PROP_DM_VERITY", "CONFIG_IPE_PROP_DM_VERITY_SIGNATURE",
        "CONFIG_IPE_PROP_FS_VERITY", "CONFIG_IPE_PROP_FS_VERITY_BUILTIN_SIG"})
    config.set(option, "y");
  return config;
}

IpeState active(const std::string& text) {
  Walk walk(kKernel, {}, true);
  auto policy = std::make_shared<IpePolicy>();
  EXPECT_FALSE(parse(walk, text, *policy).failed());
  return {policy, true};
}

Verdict judge(const IpeState& state, IpeOp op, const IpeFile& file,
              KernelVersion version = kAnchor72, const KernelConfig& config = debian()) {
  return conclude({version, Variant::debian, Arch::x86_64}, true,
                  [&](Walk& walk) { return judge_ipe(walk, state, op, file, config); });
}

IpeFile with_verity(std::uint8_t filler) {
  IpeFile file = IpeFile::plain();
  file.has_fsverity = true;
  file.fsverity_digest = IpeDigest{"sha256", std::vector<std::uint8_t>(4, filler)};
  return file;
}

const std::string kModules = kHead + kTail +
                             "DEFAULT op=KMODULE action=DENY\nDEFAULT op=KEXEC_IMAGE action=DENY\n"
                             "op=KMODULE fsverity_digest=sha256:11111111 action=ALLOW\n"
                             "op=KMODULE boot_verified=TRUE action=ALLOW\n";

// As a booted 7.2 has them.
TEST(Ipe, KnowsFilesByVerityAlone) {
  const IpeState state = active(kModules);
  IpeFile in_initramfs = IpeFile::plain();
  in_initramfs.from_initramfs = true;
  IpeFile listed = with_verity(0x11);
  IpeFile other = with_verity(0x22);
  IpeFile bare = IpeFile::plain();
  for (IpeFile* file : {&listed, &other, &bare}) file->from_initramfs = false;
  struct Case {
    const char* what;
    IpeOp op;
    IpeFile file;
    const Rule* rule;
  };
  const Case cases[] = {
      {"listed", IpeOp::kmodule, listed, nullptr},
      {"another digest", IpeOp::kmodule, other, &rule::allowed},
      {"without verity", IpeOp::kmodule, bare, &rule::allowed},
      {"init_module", IpeOp::kmodule, IpeFile::memory(), &rule::allowed},
      {"of the initramfs", IpeOp::kmodule, in_initramfs, nullptr},
      {"an image", IpeOp::kexec_image, listed, &rule::allowed},
      {"kexec_load", IpeOp::kexec_image, IpeFile::memory(), &rule::allowed},
      {"an initrd", IpeOp::kexec_initramfs, bare, nullptr},
  };
  for (const Case& one : cases) {
    const Verdict verdict = judge(state, one.op, one.file);
    EXPECT_EQ(verdict.deciding, one.rule) << one.what;
    EXPECT_EQ(verdict.err, one.rule == nullptr ? Errno::none : Errno::eacces) << one.what;
  }
}

TEST(Ipe, IsNotAskedWithoutPolicyOrBeforeItCame) {
  const IpeFile file = IpeFile::memory();
  EXPECT_EQ(judge({}, IpeOp::kmodule, file).decision, Decision::allowed_unverified);
  IpeState state = active(kModules);
  EXPECT_EQ(judge(state, IpeOp::kmodule, file, kAnchor61).decision, Decision::allowed_unverified);
  state.enforces = false;
  const Verdict verdict = judge(state, IpeOp::kmodule, file);
  EXPECT_EQ(verdict.decision, Decision::allowed_unverified);
  EXPECT_EQ(verdict.deciding, &rule::allowed);
}

TEST(Ipe, FirstRuleThatMatchesDecides) {
  const IpeState state = active(kHead + kTail +
                                "op=KMODULE dmverity_signature=FALSE fsverity_signature=FALSE "
                                "action=DENY\nop=KMODULE action=ALLOW\nop=KMODULE action=DENY\n");
  IpeFile file = IpeFile::plain();
  EXPECT_EQ(judge(state, IpeOp::kmodule, file).decision, Decision::refused);
  file.dmverity_signed = true;
  EXPECT_EQ(judge(state, IpeOp::kmodule, file).decision, Decision::allowed);
  // Without its option a property is never met.
  file.dmverity_signed = false;
  KernelConfig config = debian();
  config.set("CONFIG_IPE_PROP_DM_VERITY_SIGNATURE", "n");
  EXPECT_EQ(judge(state, IpeOp::kmodule, file, kAnchor72, config).decision, Decision::allowed);
}

TEST(Ipe, WhatIsNotKnownIsOpen) {
  const IpeState state =
      active(kHead +
             "DEFAULT action=DENY\nop=KMODULE fsverity_digest=sha256:22222222 action=DENY\n"
             "op=KMODULE fsverity_digest=sha256:11111111 action=ALLOW\n");
  IpeFile file = IpeFile::plain();
  file.has_fsverity.reset();
  // Any digest: the one that is allowed, perhaps.
  EXPECT_EQ(judge(state, IpeOp::kmodule, file).decision, Decision::undetermined);
  file.fsverity_digest = IpeDigest{"sha256", std::vector<std::uint8_t>(4, 0x11)};
  EXPECT_EQ(judge(state, IpeOp::kmodule, file).open,
            std::vector<std::string>{"artifact: fs-verity"});
  file.fsverity_digest->bytes[0] = 0;
  EXPECT_EQ(judge(state, IpeOp::kmodule, file).decision, Decision::refused);
}

}  // namespace
}  // namespace assay
