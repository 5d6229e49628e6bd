// What the command line and the configuration make of a kernel, by kernel/params.c, lib/kstrtox.c,
// kernel/module/main.c, security/security.c and security/lockdown/lockdown.c.

#include "trust/boot_state.h"

#include <gtest/gtest.h>

#include "trust/command_line.h"

namespace assay {
namespace {

Platform platform_with(std::optional<std::string> cmdline,
                       std::initializer_list<std::pair<const char*, const char*>> config = {}) {
  Platform platform;
  platform.cmdline = std::move(cmdline);
  for (const auto& [name, value] : config) platform.config.set(name, value);
  return platform;
}

TEST(BootState, Bools) {
  const std::pair<const char*, std::optional<bool>> cases[] = {
      {"1", true},         {"yes", true},       {"Y", true},         {"true", true},
      {"T", true},         {"on", true},        {"ON", true},        {"0", false},
      {"no", false},       {"False", false},    {"oFF", false},      {"", std::nullopt},
      {"2", std::nullopt}, {"o", std::nullopt}, {" 1", std::nullopt}};
  for (const auto& [text, value] : cases) EXPECT_EQ(parse_kernel_bool(text), value) << text;
}

// arch/x86/include/asm/setup.h, arch/s390/include/asm/setup.h, arch/riscv/include/uapi/asm/setup.h.
TEST(BootState, CommandLinesAreAsLongAsTheKernelTakesThem) {
  const auto takes = [](Arch arch, std::size_t size, const std::string& start = "",
                        std::initializer_list<std::pair<const char*, const char*>> config = {},
                        KernelVersion version = kAnchor612) {
    Platform platform = platform_with(start + std::string(size - start.size(), 'x'), config);
    platform.kernel.arch = arch;
    platform.kernel.version = version;
    return check_command_line(platform).has_value();
  };
  EXPECT_TRUE(check_command_line(platform_with(std::nullopt)));
  for (const Arch arch : {Arch::x86_64, Arch::arm64, Arch::ppc64le}) {
    EXPECT_TRUE(takes(arch, 2047));
    EXPECT_FALSE(takes(arch, 2048));
  }
  EXPECT_TRUE(takes(Arch::riscv64, 1023));
  EXPECT_FALSE(takes(Arch::riscv64, 1024));
  EXPECT_TRUE(takes(Arch::riscv64, 2047, "", {}, kAnchor72));
  EXPECT_TRUE(takes(Arch::s390x, 4095));
  EXPECT_FALSE(takes(Arch::s390x, 4096));
  EXPECT_TRUE(takes(Arch::s390x, 9999, "", {{"CONFIG_COMMAND_LINE_SIZE", "10000"}}));
  EXPECT_FALSE(takes(Arch::s390x, 10000, "", {{"CONFIG_COMMAND_LINE_SIZE", "10000"}}));
  EXPECT_TRUE(takes(Arch::x86_64, 30000, "bootconfig "));
  EXPECT_FALSE(takes(Arch::x86_64, 750000, "bootconfig "));
  EXPECT_FALSE(takes(Arch::x86_64, 30000, "-- bootconfig "));
  EXPECT_FALSE(takes(Arch::x86_64, 30000, "bootconfig ", {{"CONFIG_BOOT_CONFIG", "n"}}));
  EXPECT_TRUE(takes(Arch::x86_64, 30000, "",
                    {{"CONFIG_BOOT_CONFIG", "y"}, {"CONFIG_BOOT_CONFIG_FORCE", "y"}}));
}

TEST(BootState, NomoduleOfTheCommandLine) {
  const std::pair<const char*, Truth> cases[] = {
      {"quiet", Truth::no},
      {"nomodule", Truth::yes},
      {"quiet nomodule ro", Truth::yes},
      {"nomodule=1", Truth::yes},
      {"nomodule=y", Truth::yes},
      {"nomodule=0", Truth::no},
      {"nomodule nomodule=0", Truth::no},  // bint: the last one counts
      {"nomodule=0 nomodule", Truth::yes},
      {"nomodule nomodule=maybe", Truth::yes},  // refused, and nothing changes
      {"nomodule=", Truth::no},
      {"nomodules", Truth::no},
      {"\"nomodule\"", Truth::yes},
      {"x=\"a nomodule\"", Truth::no},
      {"quiet -- nomodule", Truth::no},  // for the first process
  };
  for (const auto& [line, said] : cases) {
    const Platform platform = platform_with(line);
    EXPECT_EQ(says_nomodule(platform), said) << line;
    EXPECT_EQ(modules_disabled(platform), said == Truth::yes ? Truth::yes : Truth::unknown) << line;
  }
  EXPECT_EQ(says_nomodule(platform_with({})), Truth::unknown);
  Platform platform = platform_with("nomodule");
  platform.state.modules_disabled = false;
  EXPECT_EQ(modules_disabled(platform), Truth::no) << "what is said of the state counts";
}

TEST(BootState, Modules) {
  EXPECT_EQ(has_modules(Platform()), Truth::unknown);
  EXPECT_EQ(has_modules(platform_with({}, {{"CONFIG_MODULES", "y"}})), Truth::yes);
  EXPECT_EQ(has_modules(platform_with({}, {{"CONFIG_MODULES", "n"}})), Truth::no);
  EXPECT_EQ(has_modules(platform_with({}, {{"CONFIG_MODULE_SIG", "y"}})), Truth::yes);
  Platform platform;
  platform.config = *KernelConfig::parse("# CONFIG_MODULES is not set\nCONFIG_SMP=y\n");
  EXPECT_EQ(has_modules(platform), Truth::no);
  platform.config = *KernelConfig::parse("CONFIG_MODULES=y\nCONFIG_SMP=y\n");
  EXPECT_EQ(has_modules(platform), Truth::yes);
}

TEST(BootState, Blacklist) {
  const std::pair<const char*, Truth> cases[] = {
      {"module_blacklist=sample", Truth::yes},
      {"module-blacklist=sample", Truth::yes},  // parameq
      {"module_blacklist=a,sample,b", Truth::yes},
      {"module_blacklist=samples", Truth::no},
      {"module_blacklist=sample module_blacklist=other", Truth::no},  // charp: the last one
      {"module_blacklist=other module_blacklist=sample", Truth::yes},
      {"modprobe.blacklist=sample", Truth::no},  // kmod's, not the kernel's
      {"module_blacklist=", Truth::no},
      {"module_blacklist", Truth::no},
  };
  for (const auto& [line, denied] : cases)
    EXPECT_EQ(denies_module(platform_with(line), "sample"), denied) << line;
  EXPECT_EQ(denies_module(platform_with({}), "sample"), Truth::unknown);
  EXPECT_EQ(denies_modules(platform_with("module_blacklist=x")), Truth::yes);
  EXPECT_EQ(denies_modules(platform_with("module_blacklist=,")), Truth::no);
  EXPECT_EQ(denies_modules(platform_with("quiet")), Truth::no);
}

TEST(BootState, SigEnforce) {
  const auto enforced = [](const char* line) {
    return platform_with(line, {{"CONFIG_MODULE_SIG", "y"}}).sig_enforce();
  };
  EXPECT_EQ(enforced("module.sig_enforce"), Truth::yes);
  EXPECT_EQ(enforced("module.sig_enforce=on"), Truth::yes);
  EXPECT_EQ(enforced("module.sig-enforce=1"), Truth::yes);
  EXPECT_EQ(enforced("module.sig_enforce=1 module.sig_enforce=0"), Truth::yes) << "only enabled";
  EXPECT_EQ(enforced("module.sig_enforce=0"), Truth::unknown) << "root may set it later";
  EXPECT_EQ(enforced("quiet"), Truth::unknown);
  EXPECT_EQ(platform_with("module.sig_enforce=1", {{"CONFIG_MODULE_SIG", "n"}}).sig_enforce(),
            Truth::unknown);
}

struct LockdownCase {
  const char* line;
  std::pair<const char*, const char*> option;
  Truth integrity, confidentiality;
};

TEST(BootState, Lockdown) {
  const std::pair<const char*, const char*> early = {"CONFIG_SECURITY_LOCKDOWN_LSM_EARLY", "y"};
  const std::pair<const char*, const char*> listed = {"CONFIG_LSM", "landlock,lockdown,yama"};
  const std::pair<const char*, const char*> unlisted = {"CONFIG_LSM", "landlock,yama"};
  const LockdownCase cases[] = {
      {"quiet", early, Truth::unknown, Truth::unknown},  // firmware or root may have raised it
      {"lockdown=integrity", early, Truth::yes, Truth::unknown},
      {"lockdown=confidentiality", early, Truth::yes, Truth::yes},
      {"lockdown=confidentiality lockdown=integrity", early, Truth::yes, Truth::yes},
      {"lockdown=none", early, Truth::unknown, Truth::unknown},
      {"lockdown=integrity", listed, Truth::yes, Truth::unknown},
      {"lockdown=integrity", unlisted, Truth::unknown, Truth::unknown},
      {"lockdown=integrity lsm=lockdown,yama", unlisted, Truth::yes, Truth::unknown},
      {"lockdown=integrity lsm=yama", listed, Truth::unknown, Truth::unknown},
      {"lockdown=integrity lsm=yama", early, Truth::yes, Truth::unknown},
  };
  for (const LockdownCase& one : cases) {
    const Platform platform =
        platform_with(one.line, {{"CONFIG_SECURITY_LOCKDOWN_LSM", "y"}, one.option});
    EXPECT_EQ(platform.locked_down(Lockdown::integrity), one.integrity) << one.line;
    EXPECT_EQ(platform.locked_down(Lockdown::confidentiality), one.confidentiality) << one.line;
  }
  // Nobody to ask: lockdown= is heard and changes nothing.
  EXPECT_EQ(has_lockdown(platform_with("lockdown=integrity", {unlisted})), Truth::no);
  EXPECT_EQ(has_lockdown(platform_with("quiet", {{"CONFIG_SECURITY_LOCKDOWN_LSM", "y"}, unlisted})),
            Truth::no);
  EXPECT_EQ(has_lockdown(platform_with({}, {{"CONFIG_SECURITY_LOCKDOWN_LSM", "y"}, unlisted})),
            Truth::unknown);
  EXPECT_EQ(platform_with("quiet", {{"CONFIG_SECURITY_LOCKDOWN_LSM", "y"},
                                    {"CONFIG_SECURITY_LOCKDOWN_LSM_EARLY", "y"},
                                    {"CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY", "y"}})
                .locked_down(Lockdown::integrity),
            Truth::yes);
  EXPECT_EQ(platform_with({}).locked_down(Lockdown::integrity), Truth::unknown);
}

}  // namespace
}  // namespace assay
