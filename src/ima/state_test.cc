// The rules after boot, as the tables of ima_policy.c, ima_efi.c and arch/powerpc/kernel/ima_arch.c
// have them, and what a kernel shows of them.

#include "ima/state.h"

#include <gtest/gtest.h>

#include "ima/policy_show.h"

namespace assay {
namespace {

using Lines = std::vector<std::string>;

struct Machine {
  KernelVersion version = kAnchor72;
  Arch arch = Arch::x86_64;
  std::string command_line;
  bool secure_boot = false;
  bool trusted_boot = false;
  Lines off = {};  // options of the configuration below that this one lacks
  Lines on = {};
};

KernelConfig config_of(const Machine& machine) {
  KernelConfig config;
  for (const char* option :
       {"CONFIG_IMA", "CONFIG_IMA_APPRAISE", "CONFIG_IMA_APPRAISE_BOOTPARAM", "CONFIG_EFI",
        "CONFIG_IMA_APPRAISE_MODSIG", "CONFIG_IMA_WRITE_POLICY", "CONFIG_IMA_READ_POLICY",
        "CONFIG_IMA_ARCH_POLICY", "CONFIG_IMA_SECURE_AND_OR_TRUSTED_BOOT", "CONFIG_MODULE_SIG",
        "CONFIG_KEXEC_SIG", "CONFIG_PPC_SECURE_BOOT"})
    config.set(option, "y");
  config.set("CONFIG_IMA_DEFAULT_HASH", "sha256");
  config.set("CONFIG_IMA_DEFAULT_TEMPLATE", "ima-sig");
  for (const std::string& option : machine.off) config.set(option, "n");
  for (const std::string& option : machine.on) config.set(option, "y");
  return config;
}

class Booted {
 public:
  explicit Booted(const Machine& machine)
      : config_(config_of(machine)),
        walk_(KernelId{machine.version, Variant::mainline, machine.arch}, {}, false),
        setup_{config_, crypto_, machine.command_line, truth(machine.secure_boot),
               truth(machine.trusted_boot)},
        state_(walk_, setup_) {}

  const ImaState& state() const { return state_; }
  Lines shown() {
    Lines lines;
    for (const PolicyRule& each : state_.rules()) {
      lines.push_back(show_ima_rule(walk_, each.rule));
      lines.back().pop_back();  // the blank at its end
    }
    return lines;
  }
  bool is_settled() const { return walk_.choices().empty(); }

 private:
  KernelConfig config_;
  KernelCrypto crypto_;
  Walk walk_;
  ImaSetup setup_;
  ImaState state_;
};

Lines joined(Lines a, const Lines& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Lines dont(const std::string& action, const Lines& magics) {
  Lines lines;
  for (const std::string& magic : magics) lines.push_back(action + " fsmagic=" + magic);
  return lines;
}

const Lines kDontMeasure72 = [] {
  Lines lines = dont("dont_measure", {"0x9fa0", "0x62656572", "0x64626720", "0x1021994", "0x1cd1",
                                      "0x42494e4d", "0x73636673", "0xf97cff8c", "0x43415d53",
                                      "0x27e0eb", "0x63677270", "0x6e736673", "0xde5e81e4"});
  lines[3] = "dont_measure func=FILE_CHECK fsmagic=0x1021994";
  return lines;
}();
const Lines kDontAppraise =
    dont("dont_appraise", {"0x9fa0", "0x62656572", "0x64626720", "0x1021994", "0x858458f6",
                           "0x1cd1", "0x42494e4d", "0x73636673", "0xf97cff8c", "0x43415d53",
                           "0x6e736673", "0xde5e81e4", "0x27e0eb", "0x63677270"});
const Lines kTcb = {"measure func=MMAP_CHECK mask=MAY_EXEC",
                    "measure func=BPRM_CHECK mask=MAY_EXEC",
                    "measure func=FILE_CHECK mask=^MAY_READ euid=0",
                    "measure func=FILE_CHECK mask=^MAY_READ uid=0",
                    "measure func=MODULE_CHECK",
                    "measure func=FIRMWARE_CHECK",
                    "measure func=POLICY_CHECK"};
const Lines kOriginal = {"measure func=MMAP_CHECK mask=MAY_EXEC",
                         "measure func=BPRM_CHECK mask=MAY_EXEC",
                         "measure func=FILE_CHECK mask=MAY_READ uid=0", "measure func=MODULE_CHECK",
                         "measure func=FIRMWARE_CHECK"};
const Lines kSecureBoot = {"appraise func=MODULE_CHECK appraise_type=imasig",
                           "appraise func=FIRMWARE_CHECK appraise_type=imasig",
                           "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig",
                           "appraise func=POLICY_CHECK appraise_type=imasig"};

TEST(ImaState, WithoutParametersThereAreNoRules) {
  Booted booted({});
  EXPECT_EQ(booted.shown(), Lines());
  EXPECT_FALSE(booted.state().classes().any());
  EXPECT_EQ(booted.state().appraise(), appraise_mode::kEnforce);
  EXPECT_TRUE(booted.is_settled());
}

TEST(ImaState, Measurement) {
  EXPECT_EQ(Booted({.command_line = "ima_policy=tcb"}).shown(), joined(kDontMeasure72, kTcb));
  Lines before = kDontMeasure72;
  before[3] = "dont_measure fsmagic=0x1021994";
  for (const KernelVersion version : {kAnchor61, kAnchor612})
    EXPECT_EQ(Booted({.version = version, .command_line = "ima_policy=tcb"}).shown(),
              joined(before, kTcb));
  EXPECT_EQ(Booted({.command_line = "ima_tcb"}).shown(), joined(kDontMeasure72, kOriginal));
  EXPECT_EQ(Booted({.command_line = "ima_tcb ima_policy=tcb"}).shown(),
            joined(kDontMeasure72, kOriginal));
  EXPECT_EQ(Booted({.command_line = "ima_policy=tcb ima_tcb"}).shown(),
            joined(kDontMeasure72, kTcb));
  EXPECT_EQ(Booted({.command_line = "ima_policy=critical_data"}).shown(),
            Lines{"measure func=CRITICAL_DATA"});
}

TEST(ImaState, Appraisal) {
  const Lines tcb = joined(
      kDontAppraise, {"appraise func=POLICY_CHECK appraise_type=imasig", "appraise fowner=0"});
  Booted booted({.command_line = "ima_appraise_tcb"});
  EXPECT_EQ(booted.shown(), tcb);
  EXPECT_EQ(booted.state().appraise(), appraise_mode::kEnforce | appraise_mode::kPolicy);
  EXPECT_TRUE(booted.state().classes().appraise);
  EXPECT_FALSE(booted.state().classes().measure);
  EXPECT_EQ(Booted({.command_line = "ima_policy=appraise_tcb", .off = {"CONFIG_IMA_WRITE_POLICY"}})
                .shown(),
            joined(kDontAppraise, {"appraise fowner=0"}));
  EXPECT_EQ(
      Booted({.command_line = "ima_policy=appraise_tcb", .on = {"CONFIG_IMA_APPRAISE_SIGNED_INIT"}})
          .shown()
          .back(),
      "appraise fowner=0 appraise_type=imasig");
}

TEST(ImaState, SecureBootPolicy) {
  Lines lines72 = kSecureBoot;
  lines72[0] = "appraise func=MODULE_CHECK appraise_type=imasig|modsig";
  EXPECT_EQ(Booted({.command_line = "ima_policy=secure_boot"}).shown(), lines72);
  // A row of a table: that the parser would not take its words does not matter.
  EXPECT_EQ(
      Booted({.command_line = "ima_policy=secure_boot", .off = {"CONFIG_IMA_APPRAISE_MODSIG"}})
          .shown(),
      lines72);
  for (const KernelVersion version : {kAnchor61, kAnchor612}) {
    Booted booted({.version = version, .command_line = "ima_policy=secure_boot"});
    EXPECT_EQ(booted.shown(), kSecureBoot);
    EXPECT_EQ(booted.state().appraise(), 0x79U);
    for (const PolicyRule& each : booted.state().rules())
      EXPECT_FALSE(each.rule.has(ima_flag::kCheckBlacklist));
  }
  EXPECT_TRUE(Booted({.command_line = "ima_policy=secure_boot"})
                  .state()
                  .rules()[0]
                  .rule.has(ima_flag::kCheckBlacklist));
}

TEST(ImaState, SeveralPolicies) {
  Booted booted({.command_line = "quiet ima_policy=\"tcb|appraise_tcb secure_boot|nosuch\" "
                                 "ima_policy=critical_data|fail_securely -- ima_tcb"});
  Lines secure_boot = kSecureBoot;
  secure_boot[0] += "|modsig";
  EXPECT_EQ(booted.shown(),
            joined(joined(joined(joined(joined(kDontMeasure72, kTcb), secure_boot), kDontAppraise),
                          {"appraise func=POLICY_CHECK appraise_type=imasig", "appraise fowner=0"}),
                   {"measure func=CRITICAL_DATA"}));
  EXPECT_TRUE(booted.state().fails_securely());
}

TEST(ImaState, BuildTimeRules) {
  const Lines build = {"CONFIG_IMA_APPRAISE_REQUIRE_POLICY_SIGS",
                       "CONFIG_IMA_APPRAISE_REQUIRE_KEXEC_SIGS"};
  const Lines rules = {"appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig",
                       "appraise func=POLICY_CHECK appraise_type=imasig"};
  Booted booted({.command_line = "ima_appraise=off", .on = build});
  EXPECT_EQ(booted.shown(), rules);
  EXPECT_EQ(booted.state().appraise(), appraise_mode::kPolicy | appraise_mode::kKexec);
  EXPECT_TRUE(booted.state().classes().appraise);
  // The secure_boot policy stands for them, until a custom policy is loaded.
  EXPECT_EQ(Booted({.command_line = "ima_policy=secure_boot", .on = build}).shown().size(), 4U);
  ImaState state = Booted({.command_line = "ima_policy=secure_boot", .on = build}).state();
  state.add_custom_rules({PolicyRule{{}, RuleOrigin::custom, 1, "audit"}}, 0);
  ASSERT_EQ(state.rules().size(), 3U);
  EXPECT_EQ(state.rules()[1].origin, RuleOrigin::build_time);
  EXPECT_EQ(state.rules()[2].origin, RuleOrigin::custom);
  EXPECT_EQ(state.appraise(), 0x79U);  // what the secure_boot policy asked for is not forgotten
}

TEST(ImaState, ArchitectureUnderEfiSecureBoot) {
  const Lines measure = {"measure func=KEXEC_KERNEL_CHECK", "measure func=MODULE_CHECK"};
  EXPECT_EQ(Booted({.secure_boot = true}).shown(), measure);
  EXPECT_EQ(Booted({.arch = Arch::arm64, .secure_boot = true}).shown(), measure);
  EXPECT_EQ(Booted({.arch = Arch::s390x, .secure_boot = true}).shown(), Lines());
  EXPECT_EQ(Booted({.secure_boot = true, .off = {"CONFIG_IMA_ARCH_POLICY"}}).shown(), Lines());
  EXPECT_EQ(
      Booted({.secure_boot = true, .off = {"CONFIG_MODULE_SIG", "CONFIG_KEXEC_SIG"}}).shown(),
      (Lines{"appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig",
             "measure func=KEXEC_KERNEL_CHECK", "appraise func=MODULE_CHECK appraise_type=imasig",
             "measure func=MODULE_CHECK"}));
  const Lines machine = {"CONFIG_INTEGRITY_MACHINE_KEYRING",
                         "CONFIG_IMA_KEYRINGS_PERMIT_SIGNED_BY_BUILTIN_OR_SECONDARY"};
  EXPECT_EQ(Booted({.version = kAnchor612, .secure_boot = true, .on = machine}).shown(),
            (Lines{measure[0], "appraise func=POLICY_CHECK appraise_type=imasig", measure[1]}));
  EXPECT_EQ(Booted({.version = kAnchor61, .secure_boot = true, .on = machine}).shown(), measure);
}

TEST(ImaState, ArchitectureOnPower) {
  const auto boot = [](KernelVersion version, bool secure, bool trusted, Lines off = {}) {
    return Booted({.version = version,
                   .arch = Arch::ppc64le,
                   .secure_boot = secure,
                   .trusted_boot = trusted,
                   .off = std::move(off)});
  };
  EXPECT_EQ(boot(kAnchor72, false, false).shown(), Lines());
  EXPECT_EQ(boot(kAnchor72, false, true).shown(),
            (Lines{"measure func=KEXEC_KERNEL_CHECK", "measure func=MODULE_CHECK"}));
  EXPECT_EQ(boot(kAnchor72, true, false).shown(),
            Lines{"appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig"});
  EXPECT_EQ(boot(kAnchor72, true, true, {"CONFIG_MODULE_SIG"}).shown(),
            (Lines{"measure func=KEXEC_KERNEL_CHECK template=ima-modsig",
                   "measure func=MODULE_CHECK template=ima-modsig",
                   "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig",
                   "appraise func=MODULE_CHECK appraise_type=imasig|modsig"}));
  EXPECT_EQ(boot(kAnchor61, true, false).shown(),
            Lines{"appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig|modsig "
                  "appraise_flag=check_blacklist"});
  EXPECT_EQ(boot(kAnchor72, true, false, {"CONFIG_PPC_SECURE_BOOT"}).shown(), Lines());
}

// Without modsig in the kernel the architecture's rule is skipped. What it says of kexec is noted
// all the same: kexec_load is then refused, and kexec_file_load not checked.
TEST(ImaState, SkippedRulesOfPowerLeaveTheirBit) {
  Booted booted({.arch = Arch::ppc64le,
                 .secure_boot = true,
                 .off = {"CONFIG_IMA_APPRAISE_MODSIG", "CONFIG_MODULE_SIG"}});
  EXPECT_EQ(booted.shown(), Lines());
  EXPECT_EQ(booted.state().skipped_arch_rules().size(), 2U);
  EXPECT_EQ(booted.state().appraise(),
            appraise_mode::kEnforce | appraise_mode::kKexec | appraise_mode::kModules);
}

TEST(ImaState, AppraiseModes) {
  const auto mode = [](Machine machine) { return Booted(machine).state().appraise(); };
  EXPECT_EQ(mode({.command_line = "ima_appraise=off"}), 0U);
  EXPECT_EQ(mode({.command_line = "ima_appraise=log"}), appraise_mode::kLog);
  EXPECT_EQ(mode({.command_line = "ima-appraise=fixed"}), appraise_mode::kFix);
  EXPECT_EQ(mode({.command_line = "ima_appraise=enforce"}), appraise_mode::kEnforce);
  EXPECT_EQ(mode({.command_line = "ima_appraise=none"}), appraise_mode::kEnforce);
  EXPECT_EQ(mode({.command_line = "ima_appraise=log ima_appraise=fix"}), appraise_mode::kFix);
  EXPECT_EQ(mode({.command_line = "ima_appraise=log", .secure_boot = true}),
            appraise_mode::kEnforce);
  EXPECT_EQ(mode({.version = kAnchor61,
                  .command_line = "ima_appraise=log",
                  .secure_boot = true,
                  .off = {"CONFIG_IMA_SECURE_AND_OR_TRUSTED_BOOT"}}),
            appraise_mode::kLog);
  EXPECT_EQ(mode({.command_line = "ima_appraise=log", .off = {"CONFIG_IMA_APPRAISE_BOOTPARAM"}}),
            appraise_mode::kEnforce);
  EXPECT_EQ(mode({.off = {"CONFIG_IMA_APPRAISE"}}), 0U);
}

TEST(ImaState, HashAndTemplate) {
  const auto of = [](const std::string& line) {
    const ImaState state = Booted({.command_line = line}).state();
    return std::string(state.hash().name) + ' ' + state.default_template().fields;
  };
  EXPECT_EQ(of(""), "sha256 d-ng|n-ng|sig");
  EXPECT_EQ(of("ima_hash=sha512"), "sha512 d-ng|n-ng|sig");
  EXPECT_EQ(of("ima_hash=sha512 ima_hash=sha1"), "sha512 d-ng|n-ng|sig");
  EXPECT_EQ(of("ima_hash=nosuch"), "sha256 d-ng|n-ng|sig");
  EXPECT_EQ(of("ima_hash=tgr192"), "sha256 d-ng|n-ng|sig");  // cannot be had
  EXPECT_EQ(of("ima_template=ima"), "sha1 d|n");
  EXPECT_EQ(of("ima_template=ima ima_hash=md5"), "md5 d|n");
  EXPECT_EQ(of("ima_template=ima ima_hash=sha256"), "sha1 d|n");
  EXPECT_EQ(of("ima_hash=sha256 ima_template=ima"), "sha256 d-ng|n-ng|sig");
  EXPECT_EQ(of("ima_template=nosuch"), "sha256 d-ng|n-ng|sig");
  EXPECT_EQ(of("ima_template=ima-ng ima_template_fmt=d-ng"), "sha256 d-ng|n-ng");
  EXPECT_EQ(of("ima_template_fmt=d-ng|n-ng|buf|sig"), "sha256 d-ng|n-ng|buf|sig");
}

TEST(ImaState, WhatIsNotKnownStaysOpen) {
  const KernelConfig config = config_of({});
  const KernelCrypto crypto;
  Walk walk(KernelId{}, {}, false);
  const ImaState state(walk, {config, crypto, std::nullopt, Truth::no, Truth::unknown});
  Lines asked;
  for (const Choice& choice : walk.choices()) asked.push_back(choice.key);
  EXPECT_EQ(asked, (Lines{"kernel.cmdline", "kernel.cmdline: ima_appraise"}));
  Walk other(KernelId{}, {}, false);
  const ImaState unsure(other, {config, crypto, "", Truth::unknown, Truth::unknown});
  ASSERT_EQ(other.choices().size(), 1U);
  EXPECT_EQ(other.choices()[0].key, "state.secure_boot");
}

}  // namespace
}  // namespace assay
