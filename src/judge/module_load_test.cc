// init_module and finit_module around the signature check.

#include "judge/module_load.h"

#include <gtest/gtest.h>

#include "judge/rules.h"
#include "testing/elf_sample.h"
#include "testing/process.h"

namespace assay {
namespace {

namespace rule = rules::module_load;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kMagic = "7.2.0 SMP mod_unload ";

struct Parts {
  std::string name = "sample";
  std::string vermagic{kMagic};
  std::string license = "GPL";
  bool intree = true;
  bool this_module = true;
  bool versions = false;
  bool symbols = true;
  std::uint16_t machine = 62;
  std::uint16_t type = 1;
};

Bytes module(const Parts& parts = {}) {
  ElfSample elf(true, false);
  elf.type = parts.type;
  elf.machine = parts.machine;
  std::string info;
  if (!parts.name.empty()) info += "name=" + parts.name + '\0';
  info += "license=" + parts.license + '\0';
  if (parts.intree) info += std::string("intree=Y") + '\0';
  if (!parts.vermagic.empty()) info += "vermagic=" + parts.vermagic + '\0';
  elf.sections.push_back({".modinfo", 1, Bytes(info.begin(), info.end())});
  if (parts.this_module) elf.sections.push_back({".gnu.linkonce.this_module", 1, Bytes(64)});
  if (parts.versions) elf.sections.push_back({"__versions", 1, Bytes(64)});
  if (parts.symbols) elf.add_symbols({{"init_module", 0, 0, 1}});
  return elf.write();
}

Platform make_platform() {
  Platform platform;
  platform.kernel = {kAnchor72, Variant::debian, Arch::x86_64};
  platform.release = "7.2.0";
  for (const char* option : {"CONFIG_MODULE_SIG", "CONFIG_SMP", "CONFIG_MODULE_UNLOAD",
                             "CONFIG_MODULE_DECOMPRESS", "CONFIG_MODULE_COMPRESS_XZ"})
    platform.config.set(option, "y");
  platform.cmdline = "quiet";
  platform.state.modules_disabled = false;
  platform.state.sig_enforce = false;
  platform.state.lockdown = Lockdown::none;
  platform.ring(Ring::secondary_trusted_keys) = std::make_shared<Keyring>("ring");
  platform.ring(Ring::platform) = std::make_shared<Keyring>("ring");
  return platform;
}

struct Judged {
  Verdict verdict;
  std::string taint;
};

Judged judge(const Bytes& file, const Platform& platform, const LoadRequest& request = {}) {
  const ViewContent content{View(file)};
  const auto evidence = collect_module(content, {});
  EXPECT_TRUE(evidence);
  Judged judged;
  judged.verdict = conclude(platform.kernel, true, [&](Walk& walk) {
    return load_module(walk, *evidence, request, platform, judged.taint);
  });
  return judged;
}

TEST(LoadModule, UnsignedModulesLoadTainted) {
  const Judged judged = judge(module(), make_platform());
  EXPECT_EQ(judged.verdict.decision, Decision::allowed_tainted);
  EXPECT_EQ(judged.taint, "E");
  Parts parts;
  parts.license = "Proprietary";
  parts.intree = false;
  EXPECT_EQ(judge(module(parts), make_platform()).taint, "POE");
}

struct FileCase {
  std::string_view name;
  Bytes file;
  LoadRequest request;
  const Rule* rule;
};

TEST(LoadModule, EveryRuleOfTheFile) {
  const auto with = [](auto change) {
    Parts parts;
    change(parts);
    return module(parts);
  };
  Bytes cut = module();
  cut.resize(cut.size() - 1);
  const FileCase cases[] = {
      {"empty", {}, {}, &rule::not_empty},
      {"63 bytes by init_module", Bytes(63), {true, 0}, &rule::init_size},
      {"63 bytes by finit_module", Bytes(63), {}, &rule::elf_header},
      {"flag 8", module(), {false, 8}, &rule::flags},
      {"text", Bytes(100, 'x'), {}, &rule::elf_header},
      {"an executable", with([](Parts& p) { p.type = 2; }), {}, &rule::elf_header},
      {"of another machine", with([](Parts& p) { p.machine = 183; }), {}, &rule::elf_header},
      {"cut by a byte", cut, {}, &rule::elf_sections},
      {"no struct module", with([](Parts& p) { p.this_module = false; }), {}, &rule::elf_module},
      {"no symbols", with([](Parts& p) { p.symbols = false; }), {}, &rule::elf_module},
      {"other vermagic",
       with([](Parts& p) { p.vermagic = "7.2.1 SMP mod_unload "; }),
       {},
       &rule::vermagic},
      {"no vermagic", with([](Parts& p) { p.vermagic.clear(); }), {}, &rule::force},
      {"plain with flag 4", module(), {false, 4}, &rule::compression},
  };
  for (const FileCase& one : cases) {
    const Verdict verdict = judge(one.file, make_platform(), one.request).verdict;
    EXPECT_EQ(verdict.deciding, one.rule) << one.name;
    EXPECT_EQ(verdict.err, one.rule->otherwise) << one.name;
  }
}

// What is not known is not taken for a default.
TEST(LoadModule, CommandLineAndStateThatAreNotKnown) {
  Platform platform = make_platform();
  platform.cmdline.reset();
  EXPECT_EQ(judge(module(), platform).verdict.open, std::vector<std::string>{"kernel.cmdline"});
  platform.state.modules_disabled.reset();
  EXPECT_EQ(judge(module(), platform).verdict.open,
            (std::vector<std::string>{"state.modules_disabled", "kernel.cmdline"}));
}

// What blacklisted() compares then is in struct module, which the kernel's own layout hides.
TEST(LoadModule, ModuleWithoutANameInItsInformation) {
  Platform platform = make_platform();
  Parts parts;
  parts.name.clear();
  EXPECT_TRUE(judge(module(parts), platform).verdict.open.empty());
  platform.cmdline = "module_blacklist=sample";
  EXPECT_EQ(judge(module(parts), platform).verdict.open,
            std::vector<std::string>{"artifact: the module's name"});
}

// Refused whatever the answers: only the error is open.
TEST(LoadModule, RefusedWithOneErrorOrAnother) {
  Platform platform = make_platform();
  platform.state.sig_enforce.reset();
  platform.state.lockdown = Lockdown::integrity;
  const Verdict locked = judge(module(), platform).verdict;
  EXPECT_EQ(locked.decision, Decision::undetermined);
  EXPECT_EQ(locked.open, std::vector<std::string>{"state.sig_enforce"});
  EXPECT_EQ(locked.refused_with, (std::vector<Errno>{Errno::eperm, Errno::ekeyrejected}));
  platform.state.lockdown.reset();
  EXPECT_TRUE(judge(module(), platform).verdict.refused_with.empty());
}

TEST(LoadModule, ThePlatform) {
  Platform platform = make_platform();
  platform.cmdline = "module_blacklist=other,sample quiet";
  EXPECT_EQ(judge(module(), platform).verdict.deciding, &rule::not_denied);
  platform.cmdline = "module_blacklist=sampler";
  EXPECT_EQ(judge(module(), platform).verdict.err, Errno::none);
  platform.state.modules_disabled = true;
  EXPECT_EQ(judge(module(), platform).verdict.deciding, &rule::modules_enabled);
  platform.state.modules_disabled.reset();
  platform.cmdline = "quiet nomodule";
  EXPECT_EQ(judge(module(), platform).verdict.deciding, &rule::modules_enabled);
  EXPECT_EQ(judge(module(), platform).verdict.err, Errno::eperm);
  platform.config.set("CONFIG_MODULES", "n");
  EXPECT_EQ(judge(module(), platform).verdict.deciding, &rule::has_modules);
  EXPECT_EQ(judge(module(), platform, {true, 0}).verdict.err, Errno::enosys);
  platform = make_platform();
  platform.config.set("CONFIG_MODULE_DECOMPRESS", "n");
  EXPECT_EQ(judge(module(), platform, {false, 4}).verdict.deciding, &rule::can_decompress);
}

// With modversions the release in vermagic is not compared; without versions only force helps.
TEST(LoadModule, Modversions) {
  Platform platform = make_platform();
  platform.config.set("CONFIG_MODVERSIONS", "y");
  Parts parts;
  parts.vermagic = "6.6.6 SMP mod_unload modversions ";
  EXPECT_EQ(judge(module(parts), platform).verdict.deciding, &rule::versions);
  parts.versions = true;
  EXPECT_EQ(judge(module(parts), platform).verdict.err, Errno::none);
  parts.vermagic = "6.6.6 mod_unload modversions ";
  EXPECT_EQ(judge(module(parts), platform).verdict.deciding, &rule::vermagic);
  EXPECT_EQ(judge(module(parts), platform, {false, 2}).verdict.deciding, &rule::force);
  platform.config.set("CONFIG_MODULE_FORCE_LOAD", "y");
  const Judged forced = judge(module(parts), platform, {false, 3});
  EXPECT_EQ(forced.verdict.decision, Decision::allowed_tainted);
  EXPECT_EQ(forced.taint, "FE");
}

Bytes compress(const std::string& tool, const Bytes& plain) {
  const Finished finished = run_command({"sh", "-c", tool}, plain);
  EXPECT_EQ(finished.status, 0) << finished.error;
  return finished.out;
}

// lib/xz: CRC32 or no check, the first stream alone (kernel/module/decompress.c).
TEST(LoadModule, InKernelDecompression) {
  const Platform platform = make_platform();
  const LoadRequest compressed{false, 4};
  const Bytes good = compress("xz --check=crc32", module());
  EXPECT_EQ(judge(good, platform, compressed).verdict.decision, Decision::allowed_tainted);
  EXPECT_EQ(judge(compress("xz --check=none", module()), platform, compressed).verdict.err,
            Errno::none);
  EXPECT_EQ(judge(compress("xz --check=crc64", module()), platform, compressed).verdict.deciding,
            &rule::stream);
  Bytes cut = good;
  cut.resize(cut.size() - 8);
  EXPECT_EQ(judge(cut, platform, compressed).verdict.deciding, &rule::stream);
  EXPECT_EQ(judge(compress("gzip", module()), platform, compressed).verdict.deciding,
            &rule::compression);
  // Without the flag it is a file of no ELF.
  EXPECT_EQ(judge(good, platform).verdict.deciding, &rule::elf_header);
}

TEST(KernelVermagic, IsBuiltFromTheConfiguration) {
  Platform platform = make_platform();
  EXPECT_EQ(kernel_vermagic(platform), kMagic);
  platform.config.set("CONFIG_PREEMPT_BUILD", "y");
  platform.config.set("CONFIG_MODVERSIONS", "y");
  platform.kernel.arch = Arch::arm64;
  EXPECT_EQ(kernel_vermagic(platform), "7.2.0 SMP preempt mod_unload modversions aarch64");
  platform.config = {};
  EXPECT_FALSE(kernel_vermagic(platform));
}

}  // namespace
}  // namespace assay
