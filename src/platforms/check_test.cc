// What platforms enforce: verdicts of booted kernels (their configurations and command lines, and
// what an unsigned module and image came to there), and each gap where it is and where it is not.

#include "platforms/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "bytes/content.h"
#include "judge/kexec.h"
#include "platforms/ima_outlook.h"
#include "platforms/sample_image.h"
#include "trust/kernel_config.h"

namespace assay {
namespace {

using Options = std::vector<std::string>;

Platform platform_of(const KernelId& kernel, const Options& options) {
  Platform platform;
  platform.kernel = kernel;
  for (const std::string& option : options) platform.config.set("CONFIG_" + option, "y");
  platform.cmdline = "quiet";
  platform.state.secure_boot = false;
  platform.state.ipl_secure = false;
  platform.state.lockdown = Lockdown::none;
  platform.state.sig_enforce = false;
  platform.state.kexec_load_disabled = false;
  platform.state.modules_disabled = false;
  platform.state.efi = true;
  platform.ima.initial_rules.emplace();
  return platform;
}

std::string answer(const Platform& platform, std::string_view subject) {
  for (const CheckRow& row : check_platform(platform))
    if (row.subject == subject) return row.answer;
  return "no such row";
}

// "" not there, "yes", "may: OPEN"
std::string gap(const Platform& platform, std::string_view id) {
  for (const Gap& found : find_gaps(platform)) {
    if (found.id != id) continue;
    std::string text = found.open.empty() ? "yes" : "may:";
    for (const std::string& open : found.open) text += " " + open;
    return text;
  }
  return "";
}

constexpr const char* kModule = "a module without a signature";
constexpr const char* kImage = "kexec_file_load of an image without a signature";

const Options kFull = {"MODULES",
                       "MODULE_SIG",
                       "KEXEC",
                       "KEXEC_FILE",
                       "KEXEC_SIG",
                       "KEXEC_BZIMAGE_VERIFY_SIG",
                       "KEXEC_IMAGE_VERIFY_SIG",
                       "SECURITY_LOCKDOWN_LSM"};
constexpr KernelId kDebian61{kAnchor61, Variant::debian, Arch::x86_64};
constexpr KernelId kMainline72{kAnchor72, Variant::mainline, Arch::x86_64};

Options without(Options options, const std::string& name) {
  std::erase(options, name);
  return options;
}
Options with(Options options, const std::string& name) {
  options.push_back(name);
  return options;
}

// As booted kernels answered: permissive, lockdown=integrity, module.sig_enforce=1,
// KEXEC_SIG_FORCE.
TEST(CheckPlatform, AnswersAsBootedKernelsDid) {
  Platform platform = platform_of(kDebian61, kFull);
  EXPECT_EQ(answer(platform, kModule), "allowed_tainted");
  EXPECT_EQ(answer(platform, kImage), "allowed_unverified");
  EXPECT_EQ(answer(platform, "kexec_load"), "allowed_unverified");

  platform.state.lockdown = Lockdown::integrity;
  EXPECT_EQ(answer(platform, kModule), "refused (EPERM)");
  EXPECT_EQ(answer(platform, kImage), "refused (EPERM)");
  EXPECT_EQ(answer(platform, "kexec_load"), "refused (EPERM)");

  platform.state.lockdown = Lockdown::none;
  platform.state.sig_enforce = true;
  EXPECT_EQ(answer(platform, kModule), "refused (EKEYREJECTED)");
  EXPECT_EQ(answer(platform, "a module forced over another kernel's vermagic"),
            "refused (EKEYREJECTED)");
  EXPECT_EQ(answer(platform, kImage), "allowed_unverified");

  platform = platform_of(kDebian61, with(kFull, "KEXEC_SIG_FORCE"));
  EXPECT_EQ(answer(platform, kImage), "refused (ENODATA)");

  // Debian with Secure Boot: the architecture's policy enforces, and the errno is the check's own.
  platform = platform_of(kDebian61, with(with(kFull, "IMA"), "IMA_ARCH_POLICY"));
  platform.state.secure_boot = true;
  platform.state.lockdown = Lockdown::integrity;
  EXPECT_EQ(answer(platform, kImage), "refused (ENODATA)");
  EXPECT_EQ(answer(platform, "kexec_load"), "refused (EACCES)");
}

TEST(CheckPlatform, OpenStateIsNamed) {
  Platform platform = platform_of(kDebian61, kFull);
  platform.state = {};
  for (const CheckRow& row : check_platform(platform)) {
    if (row.subject != kModule) continue;
    EXPECT_EQ(row.answer, "not known");
    EXPECT_TRUE(std::ranges::count(row.open, "state.lockdown") +
                std::ranges::count(row.open, "state.sig_enforce"))
        << "one of them would have to be known";
    return;
  }
  FAIL();
}

// What is open is not named where every answer ends in a refusal.
TEST(CheckPlatform, RefusedEitherWay) {
  Platform platform = platform_of(kDebian61, kFull);
  platform.state.lockdown = Lockdown::integrity;
  platform.state.sig_enforce.reset();
  for (const CheckRow& row : check_platform(platform)) {
    if (row.subject != kModule) continue;
    EXPECT_EQ(row.answer, "refused (EPERM or EKEYREJECTED)");
    EXPECT_TRUE(row.open.empty());
    return;
  }
  FAIL();
}

// Every sample is recognised and reaches the signature check (or the end, where there is none).
TEST(CheckPlatform, SamplesAreImagesOfTheirArchitecture) {
  for (const KernelVersion version : kAnchors) {
    for (const Arch arch : {Arch::x86_64, Arch::arm64, Arch::s390x, Arch::ppc64le, Arch::riscv64}) {
      const Platform platform =
          platform_of({version, Variant::mainline, arch}, {"KEXEC_FILE", "KEXEC_CORE"});
      EXPECT_EQ(answer(platform, kImage), "allowed_unverified")
          << to_string(version) << " " << arch_name(arch);
    }
  }
}

struct GapCase {
  const char* id;
  Platform with;
  Platform without;
};

TEST(FindGaps, EachIsFoundWhereItIsAndNotWhereItIsNot) {
  const auto changed = [](Platform platform, auto change) {
    change(platform);
    return platform;
  };
  const auto lock = [](Platform& platform) { platform.state.lockdown = Lockdown::integrity; };
  const Platform debian = platform_of(kDebian61, kFull);
  const Platform mainline = platform_of(kMainline72, kFull);
  const Platform s390 = platform_of({kAnchor612, Variant::mainline, Arch::s390x}, kFull);
  const auto kernel = [](const KernelId& id, const Options& options) {
    return platform_of(id, options);
  };
  const Options blacklist = with(kFull, "SYSTEM_BLACKLIST_KEYRING");
  const Options revocation = with(blacklist, "SYSTEM_REVOCATION_LIST");
  const auto hash = [](const char* text) {
    return [text](Platform& platform) { platform.signatures.blocklist.add(text); };
  };
  const std::string long_hash = "tbs:" + std::string(96, 'a');
  const std::string short_hash = "tbs:" + std::string(64, 'a');
  const auto trust_moks = [](bool trusted) {
    return [trusted](Platform& platform) { platform.state.mok_list_trusted = trusted; };
  };
  const GapCase cases[] = {
      {"modules/not-enforced", debian, changed(debian, lock)},
      {"modules/no-check", kernel(kDebian61, without(kFull, "MODULE_SIG")), debian},
      {"modules/lockdown-without-check",
       changed(kernel(kDebian61, without(kFull, "MODULE_SIG")), lock), changed(debian, lock)},
      {"modules/platform-keys", kernel(kDebian61, with(kFull, "INTEGRITY_PLATFORM_KEYRING")),
       kernel(kMainline72, with(kFull, "INTEGRITY_PLATFORM_KEYRING"))},
      {"modules/hashes-not-consulted", changed(mainline, hash("bin:00")),
       changed(debian, hash("bin:00"))},
      {"keys/no-revocation-list", kernel(kDebian61, blacklist), kernel(kDebian61, revocation)},
      {"keys/revocation-of-platform-only", kernel(kDebian61, revocation),
       kernel(kMainline72, revocation)},
      {"keys/certificate-hashes-never-match", changed(debian, hash(long_hash.c_str())),
       changed(debian, hash(short_hash.c_str()))},
      {"keys/machine-empty",
       changed(kernel(kMainline72, with(kFull, "INTEGRITY_MACHINE_KEYRING")), trust_moks(false)),
       changed(kernel(kMainline72, with(kFull, "INTEGRITY_MACHINE_KEYRING")), trust_moks(true))},
      {"kexec/no-check", kernel(kDebian61, without(kFull, "KEXEC_SIG")), debian},
      {"kexec/lockdown-without-check",
       changed(kernel(kDebian61, without(kFull, "KEXEC_SIG")), lock), changed(debian, lock)},
      {"kexec/not-enforced", debian, kernel(kDebian61, with(kFull, "KEXEC_SIG_FORCE"))},
      {"kexec/no-verifier", kernel(kDebian61, without(kFull, "KEXEC_BZIMAGE_VERIFY_SIG")), debian},
      {"kexec/no-secure-ipl", s390,
       changed(s390, [](Platform& platform) { platform.state.ipl_secure = true; })},
      {"kexec/kexec-load-unchecked", debian,
       changed(debian, [](Platform& platform) { platform.state.kexec_load_disabled = true; })},
      {"kexec/initrd-unchecked", kernel(kDebian61, with(with(kFull, "IMA"), "IMA_APPRAISE")),
       changed(kernel(kDebian61, with(with(kFull, "IMA"), "IMA_APPRAISE")),
               [](Platform& platform) {
                 platform.ima.initial_rules = {
                     "appraise func=KEXEC_INITRAMFS_CHECK appraise_type=imasig"};
               })},
      {"kexec/hashes-not-consulted", debian, s390},
      {"kexec/ima-cannot-vouch", kernel(kDebian61, with(with(kFull, "IMA"), "IMA_APPRAISE")),
       kernel(kDebian61,
              with(with(with(kFull, "IMA"), "IMA_APPRAISE"), "INTEGRITY_TRUSTED_KEYRING"))},
      {"lockdown/not-by-secure-boot",
       changed(mainline, [](Platform& platform) { platform.state.secure_boot = true; }),
       changed(changed(mainline, lock),
               [](Platform& platform) { platform.state.secure_boot = true; })},
      {"ima/not-enforced",
       changed(kernel(kDebian61,
                      with(with(with(kFull, "IMA"), "IMA_APPRAISE"), "IMA_APPRAISE_BOOTPARAM")),
               [](Platform& platform) { platform.cmdline = "ima_appraise=log"; }),
       kernel(kDebian61, with(with(kFull, "IMA"), "IMA_APPRAISE"))},
  };
  std::set<std::string_view> tested;
  for (const GapCase& one : cases) {
    EXPECT_EQ(gap(one.with, one.id), "yes") << one.id;
    EXPECT_EQ(gap(one.without, one.id), "") << one.id;
    tested.insert(one.id);
  }
  std::size_t rows = 0;
#define GAP(holds, id, ...)               \
  EXPECT_TRUE(tested.contains(id)) << id; \
  ++rows;
#include "platforms/gaps.def"
#undef GAP
  EXPECT_EQ(rows, tested.size());
}

TEST(FindGaps, WhatIsOpenIsNamed) {
  Platform platform = platform_of(kDebian61, kFull);
  platform.state.lockdown.reset();
  EXPECT_EQ(gap(platform, "kexec/not-enforced"), "may: state.lockdown");
  platform = Platform();
  platform.kernel = kDebian61;
  EXPECT_EQ(gap(platform, "keys/no-revocation-list"),
            "may: config: CONFIG_SYSTEM_BLACKLIST_KEYRING config: CONFIG_SYSTEM_REVOCATION_LIST");
}

// Each gap that says a request goes through agrees with the judge's answer to that request.
TEST(FindGaps, AgreesWithTheJudge) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    Options options = kFull;
    if ((bits & 1) != 0) options = without(options, "MODULE_SIG");
    if ((bits & 2) != 0) options = without(options, "KEXEC_SIG");
    if ((bits & 4) != 0) options = with(options, "KEXEC_SIG_FORCE");
    Platform platform = platform_of(kDebian61, options);
    if ((bits & 8) != 0) platform.state.lockdown = Lockdown::integrity;
    if ((bits & 16) != 0) platform.state.sig_enforce = true;
    if ((bits & 32) != 0) platform.state.secure_boot = true;
    const auto goes_through = [&](const char* subject) {
      return answer(platform, subject).starts_with("allowed");
    };
    const bool module_gap = !gap(platform, "modules/not-enforced").empty() ||
                            !gap(platform, "modules/no-check").empty();
    EXPECT_EQ(module_gap, goes_through(kModule)) << bits;
    const bool kexec_gap =
        !gap(platform, "kexec/not-enforced").empty() || !gap(platform, "kexec/no-check").empty();
    EXPECT_EQ(kexec_gap, goes_through(kImage)) << bits;
    EXPECT_EQ(!gap(platform, "kexec/kexec-load-unchecked").empty(), goes_through("kexec_load"))
        << bits;
  }
}

// The rules of x86's policy under Secure Boot, as ima_efi.c has them.
TEST(ImaOutlook, FollowsBootWhereTheRulesCannotBeRead) {
  Options options = kFull;
  for (const char* option :
       {"IMA", "IMA_ARCH_POLICY", "IMA_APPRAISE", "IMA_SECURE_AND_OR_TRUSTED_BOOT", "EFI"})
    options = with(std::move(options), option);
  Platform platform = platform_of(kDebian61, options);
  platform.ima.initial_rules.reset();
  platform.state.secure_boot = true;
  ImaOutlook outlook = ima_outlook(platform);
  EXPECT_EQ(outlook.open, (Options{"ima.policy"}));
  EXPECT_EQ(outlook.rules,
            (Options{"measure func=KEXEC_KERNEL_CHECK ", "measure func=MODULE_CHECK "}));
  EXPECT_EQ(is_measured(outlook, "MODULE_CHECK"), Truth::yes);
  EXPECT_EQ(is_appraised(outlook, "MODULE_CHECK"), Truth::unknown);

  platform.cmdline = "ima_policy=tcb|secure_boot";
  outlook = ima_outlook(platform);
  EXPECT_EQ(is_appraised(outlook, "MODULE_CHECK"), Truth::yes);
  EXPECT_EQ(is_appraised(outlook, "KEXEC_INITRAMFS_CHECK"), Truth::unknown);
  platform.ima.policy_is_known = true;
  EXPECT_EQ(is_appraised(ima_outlook(platform), "KEXEC_INITRAMFS_CHECK"), Truth::no);

  // A custom policy takes the place of what the command line asked for.
  platform.ima.policy = {"# comment\nappraise func=KEXEC_INITRAMFS_CHECK appraise_type=imasig\n"};
  outlook = ima_outlook(platform);
  EXPECT_EQ(is_appraised(outlook, "KEXEC_INITRAMFS_CHECK"), Truth::yes);
  EXPECT_EQ(is_appraised(outlook, "MODULE_CHECK"), Truth::no);
  EXPECT_EQ(is_measured(outlook, "MODULE_CHECK"), Truth::yes) << "the architecture's rules stay";

  platform.state.secure_boot.reset();
  EXPECT_EQ(ima_outlook(platform).open, (Options{"state.secure_boot"}));
}

TEST(ImaOutlook, TheFirstRuleThatMatchesDecidesWhatVouches) {
  Platform platform = platform_of(
      kMainline72, with(with(with(kFull, "IMA"), "IMA_APPRAISE"), "INTEGRITY_TRUSTED_KEYRING"));
  EXPECT_EQ(ima_for_kexec(platform).appraises_signature, Truth::no);
  platform.ima.initial_rules = {"appraise fowner=0",
                                "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig"};
  EXPECT_EQ(ima_for_kexec(platform).appraises_signature, Truth::no);
  EXPECT_EQ(ima_for_kexec(platform).refuses_kexec_load, Truth::yes);
  platform.ima.initial_rules = {"dont_appraise fsmagic=0x1021994",
                                "appraise func=MODULE_CHECK appraise_type=imasig",
                                "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig"};
  EXPECT_EQ(ima_for_kexec(platform).appraises_signature, Truth::yes);
}

}  // namespace
}  // namespace assay
