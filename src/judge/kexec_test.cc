// kexec_file_load and kexec_load: probes, what becomes of a failed signature check, loaders.

#include "judge/kexec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "ima/platform_ima.h"
#include "judge/rules.h"
#include "testing/elf_sample.h"

namespace assay {
namespace {

namespace rule = rules::kexec;
using Bytes = std::vector<std::uint8_t>;

Platform make_platform(Arch arch, KernelVersion version = kAnchor72) {
  Platform platform;
  platform.kernel = {version, Variant::debian, arch};
  for (const char* option : {"CONFIG_KEXEC", "CONFIG_KEXEC_FILE", "CONFIG_KEXEC_SIG", "CONFIG_IMA",
                             "CONFIG_KEXEC_BZIMAGE_VERIFY_SIG", "CONFIG_KEXEC_IMAGE_VERIFY_SIG"})
    platform.config.set(option, "y");
  if (arch == Arch::ppc64le || arch == Arch::riscv64) platform.config.set("CONFIG_KEXEC_SIG", "n");
  platform.state.kexec_load_disabled = false;
  platform.state.secure_boot = false;
  platform.state.ipl_secure = false;
  platform.state.lockdown = Lockdown::none;
  return platform;
}

void put(Bytes& bytes, std::size_t at, std::string_view value) {
  std::ranges::copy(value, bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

// Documentation/arch/x86/boot.rst.
Bytes bzimage() {
  Bytes bytes(4096);
  bytes[0x1F1] = 1;
  put(bytes, 0x1FE, "\x55\xAA");
  put(bytes, 0x202, "HdrS");
  put(bytes, 0x206, std::string_view("\x0F\x02", 2));
  bytes[0x211] = 1;
  bytes[0x236] = 3;
  return bytes;
}

// Documentation/arch/arm64/booting.rst.
Bytes arm64_image() {
  Bytes bytes(128);
  bytes[18] = 1;
  put(bytes, 56, "ARM\x64");
  return bytes;
}

Bytes elf(std::uint16_t machine, bool big = false) {
  ElfSample sample(true, big);
  sample.type = 2;
  sample.machine = machine;
  sample.segments.push_back({1, 0, 0, 64});
  return sample.write();
}

struct Judged {
  Verdict verdict;
  std::optional<Outcome> signature;
};

Judged judge(const Bytes& bytes, const Platform& platform, std::uint32_t flags = 0,
             const ImaForKexec& ima = {}) {
  const ViewContent content{View(bytes)};
  const auto evidence = collect_kexec(content, {});
  EXPECT_TRUE(evidence);
  Judged judged;
  judged.verdict = conclude(platform.kernel, true, [&](Walk& walk) {
    return kexec_file_load(walk, *evidence, {flags}, platform, ima, judged.signature);
  });
  return judged;
}

bool fails_at(const Verdict& verdict, const Rule* rule) {
  return std::ranges::any_of(verdict.steps, [rule](const Step& step) {
    return step.rule == rule && step.finding == Finding::fails;
  });
}

template <class Change>
Bytes changed(Bytes bytes, Change change) {
  change(bytes);
  return bytes;
}

struct FileCase {
  std::string_view name;
  Arch arch;
  Bytes file;
  const Rule* rule;  // that decides; nothing: it loads
};

TEST(KexecFileLoad, LoadersTakeTheirFormatsAndNoOther) {
  const auto x86 = [](std::size_t at, std::uint8_t value) {
    return changed(bzimage(), [&](Bytes& bytes) { bytes[at] = value; });
  };
  const Bytes text(2000, 'x');
  constexpr std::size_t kS390Room = 0x10480 + 896;
  const FileCase cases[] = {
      {"bzImage", Arch::x86_64, bzimage(), nullptr},
      {"empty", Arch::x86_64, {}, &rule::not_empty},
      {"1023 bytes", Arch::x86_64, Bytes(1023), &rule::bzimage_size},
      {"text", Arch::x86_64, text, &rule::bzimage_magic},
      {"no boot flag", Arch::x86_64, x86(0x1FE, 0), &rule::bzimage_boot_flag},
      {"protocol 2.11", Arch::x86_64, x86(0x206, 0x0B), &rule::bzimage_version},
      {"zImage", Arch::x86_64, x86(0x211, 0), &rule::bzimage_high},
      {"32 bits", Arch::x86_64, x86(0x236, 2), &rule::bzimage_64},
      {"below 4G", Arch::x86_64, x86(0x236, 1), &rule::bzimage_above_4g},
      {"setup beyond the end", Arch::x86_64, x86(0x1F1, 8), &rule::bzimage_whole},
      {"setup_sects 0 means 4", Arch::x86_64, x86(0x1F1, 0), nullptr},
      {"Image", Arch::arm64, arm64_image(), nullptr},
      {"63 bytes", Arch::arm64, Bytes(63), &rule::arm64_image},
      {"bzImage on arm64", Arch::arm64, bzimage(), &rule::arm64_image},
      {"image_size 0", Arch::arm64, changed(arm64_image(), [](Bytes& b) { b[18] = 0; }),
       &rule::arm64_size},
      {"anything, with a long command line", Arch::s390x, Bytes(kS390Room, 'x'), &rule::s390_room},
      {"zeros", Arch::s390x, Bytes(kS390Room), nullptr},
      {"a byte too short", Arch::s390x, Bytes(kS390Room - 1), &rule::s390_room},
      {"ELF of x86", Arch::s390x, elf(62), &rule::s390_elf},
      {"ELF", Arch::ppc64le, elf(21), nullptr},
      {"ELF of s390", Arch::ppc64le, elf(22, true), &rule::elf_image},
      {"text on powerpc", Arch::ppc64le, text, &rule::elf_image},
      {"ELF on riscv", Arch::riscv64, elf(243), nullptr},
      {"Image of version 1", Arch::riscv64, Bytes(64), nullptr},
      {"too short", Arch::riscv64, Bytes(63), &rule::riscv_image},
      {"Image without magic", Arch::riscv64, changed(Bytes(64), [](Bytes& b) { b[32] = 2; }),
       &rule::riscv_image},
  };
  for (const FileCase& one : cases) {
    const Verdict verdict = judge(one.file, make_platform(one.arch)).verdict;
    if (one.rule == nullptr) {
      EXPECT_EQ(verdict.err, Errno::none) << one.name;
    } else {
      EXPECT_EQ(verdict.deciding, one.rule) << one.name;
      EXPECT_EQ(verdict.err, one.rule->otherwise) << one.name;
    }
  }
}

TEST(KexecFileLoad, Riscv61KnowsOnlyElf) {
  const Verdict verdict = judge(Bytes(64), make_platform(Arch::riscv64, kAnchor61)).verdict;
  EXPECT_EQ(verdict.deciding, &rule::elf_image);
  EXPECT_EQ(verdict.err, Errno::enoexec);
}

TEST(KexecFileLoad, TheCallItself) {
  Platform platform = make_platform(Arch::x86_64);
  EXPECT_EQ(judge(bzimage(), platform, 0x40).verdict.deciding, &rule::flags);
  EXPECT_EQ(judge(bzimage(), platform, 0x3F).verdict.err, Errno::none);
  platform.kernel.version = kAnchor61;
  EXPECT_EQ(judge(bzimage(), platform, 0x8).verdict.deciding, &rule::flags);
  platform.state.kexec_load_disabled = true;
  EXPECT_EQ(judge(bzimage(), platform).verdict.deciding, &rule::permitted);
  platform.state.kexec_load_disabled.reset();
  EXPECT_EQ(judge(bzimage(), platform).verdict.open.front(), "state.kexec_load_disabled");
  platform.config.set("CONFIG_KEXEC_FILE", "n");
  EXPECT_EQ(judge(bzimage(), platform).verdict.deciding, &rule::has_file_load);
}

// kimage_validate_signature: an image without signature on every platform.
TEST(KexecFileLoad, WhatBecomesOfAFailedSignature) {
  Platform platform = make_platform(Arch::x86_64);
  Judged judged = judge(bzimage(), platform);
  EXPECT_EQ(judged.verdict.decision, Decision::allowed_unverified);
  ASSERT_TRUE(judged.signature);
  EXPECT_TRUE(judged.signature->failed());
  const Errno inner = judged.signature->err;

  platform.state.lockdown = Lockdown::integrity;
  judged = judge(bzimage(), platform);
  EXPECT_EQ(judged.verdict.deciding, &rule::lockdown);
  EXPECT_EQ(judged.verdict.err, Errno::eperm);
  EXPECT_EQ(judge(bzimage(), platform, 0, {.appraises_signature = Truth::yes}).verdict.decision,
            Decision::allowed_unverified);

  platform.config.set("CONFIG_KEXEC_SIG_FORCE", "y");
  judged = judge(bzimage(), platform);
  EXPECT_EQ(judged.verdict.err, inner);
  EXPECT_TRUE(fails_at(judged.verdict, &rule::enforced));

  platform.config.set("CONFIG_KEXEC_SIG_FORCE", "n");
  platform.config.set("CONFIG_IMA_ARCH_POLICY", "y");
  platform.state.secure_boot = true;
  EXPECT_EQ(judge(bzimage(), platform).verdict.err, inner);
  platform.state.secure_boot.reset();
  EXPECT_EQ(judge(bzimage(), platform).verdict.decision, Decision::undetermined);
}

// kernel_read_file refuses it before IMA is asked.
TEST(KexecFileLoad, AnEmptyInitrd) {
  Platform platform = make_platform(Arch::x86_64);
  platform.config.set("CONFIG_IMA_DEFAULT_HASH", "sha256");
  platform.config.set("CONFIG_IMA_DEFAULT_TEMPLATE", "ima-ng");
  platform.cmdline = "quiet";
  platform.ima.policy_is_known = true;
  const PlatformIma platform_ima(platform);
  ImaEvidence file;
  for (const std::uint64_t size : {0U, 1U}) {
    file.size = size;
    const Bytes image = bzimage();
    const auto evidence = collect_kexec(ViewContent{View(image)}, {});
    const Verdict verdict = conclude(platform.kernel, true, [&](Walk& walk) {
      std::optional<ImaState> room;
      const ImaKernel kernel{platform_ima.state(walk, room),
                             platform.config,
                             platform.signatures,
                             platform_ima.rings(),
                             {}};
      ImaDoor door(kernel, {});
      ImaInode inode;
      const ImaSubjectFile initrd{file, inode};
      ImaForKexec ima;
      ima.door = &door;
      ima.initrd = &initrd;
      std::optional<Outcome> signature;
      return kexec_file_load(walk, *evidence, {}, platform, ima, signature);
    });
    if (size == 0)
      EXPECT_EQ(verdict.deciding, &rules::kernel_read::not_empty);
    else
      EXPECT_EQ(verdict.err, Errno::none);
  }
}

TEST(KexecFileLoad, ALoaderWithoutVerifierRejects) {
  Platform platform = make_platform(Arch::x86_64);
  platform.config.set("CONFIG_KEXEC_BZIMAGE_VERIFY_SIG", "n");
  platform.config.set("CONFIG_KEXEC_SIG_FORCE", "y");
  EXPECT_EQ(judge(bzimage(), platform).verdict.deciding, &rule::has_verifier);
}

// The proposed and the present: lockdown alone stops nothing where KEXEC_SIG does not exist.
TEST(KexecFileLoad, LockdownIsNotAskedWithoutKexecSig) {
  Platform platform = make_platform(Arch::ppc64le);
  platform.state.lockdown = Lockdown::confidentiality;
  EXPECT_EQ(judge(elf(21), platform).verdict.decision, Decision::allowed_unverified);
}

TEST(KexecLoad, IsStoppedByLockdownAndImaAlone) {
  const auto ask = [](const Platform& platform, const ImaForKexec& ima = {}) {
    return conclude(platform.kernel, true,
                    [&](Walk& walk) { return kexec_load(walk, platform, ima); });
  };
  Platform platform = make_platform(Arch::x86_64);
  platform.config.set("CONFIG_KEXEC_SIG_FORCE", "y");
  EXPECT_EQ(ask(platform).decision, Decision::allowed_unverified);
  EXPECT_EQ(ask(platform, {.refuses_kexec_load = Truth::yes}).deciding, &rule::ima_kexec_load);
  platform.state.lockdown = Lockdown::integrity;
  EXPECT_EQ(ask(platform).deciding, &rule::load_lockdown);
  platform.state.secure_boot = true;
  EXPECT_EQ(ask(platform).deciding, &rule::ima_kexec_load);
  platform.config.set("CONFIG_KEXEC", "n");
  EXPECT_EQ(ask(platform).deciding, &rule::has_load);
}

}  // namespace
}  // namespace assay
