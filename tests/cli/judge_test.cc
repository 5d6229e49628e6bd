// assay judge on described platforms, and assay rules.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "testing/elf_sample.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Json = nlohmann::json;

std::string text(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// A bzImage with nothing in it (Documentation/arch/x86/boot.rst).
std::string empty_bzimage() {
  std::string image(4096, '\0');
  image[0x1F1] = 1;
  image.replace(0x1FE, 2, "\x55\xAA");
  image.replace(0x202, 4, "HdrS");
  image.replace(0x206, 2, std::string("\x0F\x02", 2));
  image[0x211] = 1;
  image[0x236] = 3;
  return image;
}

// A module with versions of symbols, and nothing that is loaded.
std::string sample_module(const std::string& vermagic) {
  ElfSample elf(true, false);
  const std::string info = std::string("name=sample") + '\0' + "vermagic=" + vermagic + '\0';
  elf.sections.push_back({".modinfo", 1, std::vector<std::uint8_t>(info.begin(), info.end())});
  elf.sections.push_back({".gnu.linkonce.this_module", 1, std::vector<std::uint8_t>(64)});
  elf.sections.push_back({"__versions", 1, std::vector<std::uint8_t>(64)});
  elf.add_symbols({{"init_module", 0, 0, 1}});
  return text(elf.write());
}

class JudgeOnPlatforms : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  // A kernel without signatures of any kind to enforce, but for what `state` says.
  std::string platform(const std::string& name, const std::string& arch, const std::string& state) {
    return write(name, "schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"" + arch +
                           "\"\nvariant = \"debian\"\ncmdline = \"quiet\"\n"
                           "config = { CONFIG_MODULE_SIG = \"y\", CONFIG_KEXEC_FILE = \"y\", "
                           "CONFIG_KEXEC_SIG = \"y\", CONFIG_KEXEC_BZIMAGE_VERIFY_SIG = \"y\" }\n"
                           "[state]\nmodules_disabled = false\nkexec_load_disabled = false\n" +
                           state);
  }

  static Finished assay(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ASSAY_BINARY);
    return run_command(arguments);
  }

  TemporaryFolder folder_;
};

TEST_F(JudgeOnPlatforms, TheSameFileOnSeveral) {
  const std::string open = platform(
      "open.toml", "x86_64", "secure_boot = false\nsig_enforce = false\nlockdown = \"none\"\n");
  const std::string locked =
      platform("locked.toml", "x86_64",
               "secure_boot = false\nsig_enforce = false\nlockdown = \"integrity\"\n");
  const std::string file = write("vmlinuz", empty_bzimage());
  const Finished both =
      assay({"judge", "kexec", "--json", "--platform", open, "--platform", locked, file});
  EXPECT_EQ(both.status, 1) << both.error;
  std::istringstream lines(text(both.out));
  std::vector<Json> verdicts;
  for (std::string line; std::getline(lines, line);) verdicts.push_back(Json::parse(line));
  ASSERT_EQ(verdicts.size(), 3U);
  EXPECT_EQ(verdicts[0]["platform"], "open");
  EXPECT_EQ(verdicts[0]["decision"], "allowed_unverified");
  EXPECT_EQ(verdicts[1]["platform"], "locked");
  EXPECT_EQ(verdicts[1]["errno"], "EPERM");
  EXPECT_EQ(verdicts[1]["deciding_rule"], "kexec/lockdown");
  EXPECT_EQ(verdicts[1]["proven"], true);
  const Finished table = assay({"judge", "kexec", "--platform", folder_.path().string(), file});
  EXPECT_NE(text(table.out).find("refused EPERM"), std::string::npos) << text(table.out);
}

// Without --platform, the kernel that runs here.
TEST_F(JudgeOnPlatforms, TheRunningHostIsTheDefault) {
  const Finished shown = assay({"platform", "show", "--json"});
  ASSERT_EQ(shown.status, 0) << shown.error;
  const Json host = Json::parse(text(shown.out));
  std::ifstream release("/proc/sys/kernel/osrelease");
  std::string expected;
  std::getline(release, expected);
  EXPECT_EQ(host["release"], expected);
  const std::string file = write("text.ko", "no module");
  const Finished judged = assay({"judge", "module", "--json", file});
  const std::string out = text(judged.out);
  const Json verdict = Json::parse(out.substr(0, out.find('\n')));
  EXPECT_EQ(verdict["schema"], "assay.verdict/1");
  EXPECT_EQ(verdict["platform"], host["platform"]);
  EXPECT_NE(verdict["decision"], "allowed");
  EXPECT_EQ(text(assay({"judge", "module", "--json", "--platform", "host", file}).out), out);
}

// The series that gives powerpc KEXEC_SIG: under lockdown, what is not signed is then refused.
TEST_F(JudgeOnPlatforms, WhatAProposalChanges) {
  const auto power = [&](const std::string& name, const std::string& variant,
                         const std::string& kexec_sig) {
    return write(name + ".toml",
                 "schema = 1\n[kernel]\nversion = \"7.2\"\narch = \"ppc64le\"\nvariant = \"" +
                     variant + "\"\ncmdline = \"quiet\"\nconfig = { CONFIG_KEXEC_FILE = \"y\", " +
                     "CONFIG_KEXEC_SIG = \"" + kexec_sig +
                     "\" }\n[state]\nkexec_load_disabled = false\nsecure_boot = false\n"
                     "lockdown = \"integrity\"\n");
  };
  const std::string today = power("today", "mainline", "n");
  const std::string proposed = power("proposed", "appended-kexec-sig", "y");
  ElfSample elf(true, false);
  elf.type = 2;
  elf.machine = 21;  // EM_PPC64
  elf.segments.push_back({1, 0, 0, 64});
  const auto bytes = elf.write();
  const std::string file = write("vmlinux", std::string(bytes.begin(), bytes.end()));
  const Finished table =
      assay({"judge", "kexec", "--platform", today, "--platform", proposed, file});
  EXPECT_EQ(table.status, 1) << table.error;
  const std::string out = text(table.out);
  EXPECT_NE(out.find("  today                    allowed_unverified"), out.npos) << out;
  EXPECT_NE(out.find("  proposed                 refused EPERM          kexec/lockdown"), out.npos)
      << out;
  const std::string json =
      text(assay({"judge", "kexec", "--json", "--platform", proposed, file}).out);
  const Json verdict = Json::parse(json.substr(0, json.find('\n')));
  EXPECT_EQ(verdict["proven"], false);
  EXPECT_NE(json.find("appended-kexec-sig/marker"), json.npos);
}

// A damaged image is an image, and the kernel has an answer for it.
TEST_F(JudgeOnPlatforms, DamagedImagesAreJudged) {
  const std::string open = platform(
      "open.toml", "x86_64", "secure_boot = false\nsig_enforce = false\nlockdown = \"none\"\n");
  std::string image = empty_bzimage();
  image.replace(0x248, 8, std::string("\0\0\0\x01\0\0\0\x01", 8));  // a payload beyond the end
  const std::string file = write("vmlinuz", image);
  for (const std::string& path : {file, folder_.path().string()}) {
    const Finished judged = assay({"judge", "kexec", "--json", "--platform", open, path});
    const std::string out = text(judged.out);
    const Json verdict = Json::parse(out.substr(0, out.find('\n')));
    EXPECT_EQ(verdict["decision"], "allowed_unverified") << out;
  }
}

TEST_F(JudgeOnPlatforms, WhatIsLeftOutAndDecidesIsNamed) {
  const std::string file = write("unsigned.ko", sample_module("6.12 "));
  const Finished open =
      assay({"judge", "module", "--json", "--platform", platform("p.toml", "x86_64", ""), file});
  EXPECT_EQ(open.status, 2);
  const Json verdict = Json::parse(text(open.out).substr(0, text(open.out).find('\n')));
  EXPECT_EQ(verdict["decision"], "undetermined");
  EXPECT_EQ(verdict["open"][0], "state.sig_enforce");
}

TEST_F(JudgeOnPlatforms, PlatformFilesThatCannotBe) {
  const std::string contradiction =
      write("forced.toml",
            "schema = 1\n[kernel]\nversion = \"6.1\"\narch = \"x86_64\"\n"
            "config = { CONFIG_MODULE_SIG_FORCE = \"y\" }\n[state]\nsig_enforce = false\n");
  const Finished forced = assay({"judge", "module", "--platform", contradiction, ASSAY_BINARY});
  EXPECT_EQ(forced.status, 2);
  EXPECT_NE(forced.error.find("CONFIG_MODULE_SIG_FORCE"), std::string::npos) << forced.error;
  const std::string unknown = write(
      "unknown.toml", "schema = 1\n[kernel]\nversion = \"6.1\"\narch = \"x86_64\"\nrings = 1\n");
  const Finished refused = assay({"judge", "module", "--platform", unknown, ASSAY_BINARY});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.error.find("kernel.rings"), std::string::npos) << refused.error;
}

// docs/mechanisms is what `assay rules --docs` writes.
TEST_F(JudgeOnPlatforms, PagesOfMechanismsAreCurrent) {
  const Finished written = assay({"rules", "--docs", folder_.path().string()});
  ASSERT_EQ(written.status, 0) << written.error;
  const Finished difference =
      run_command({"diff", "-r", "docs/mechanisms", folder_.path().string()});
  EXPECT_EQ(difference.status, 0) << text(difference.out);
}

// Of several platforms: what differs is shown, and what is known on none of them.
TEST_F(JudgeOnPlatforms, WhatIsOpenEverywhereIsListed) {
  const std::string one = platform("one.toml", "x86_64", "");
  const std::string two = platform("two.toml", "x86_64", "secure_boot = false\n");
  const std::string file = write("unsigned.ko", "no module");
  write("other.ko", "no module either");
  for (const std::string& path : {file, folder_.path().string()}) {
    const Finished judged = assay({"judge", "module", "--platform", one, "--platform", two, path});
    EXPECT_EQ(judged.status, 1) << "what is no module is refused either way " << judged.error;
    const std::string out = text(judged.out);
    EXPECT_NE(out.find("unsigned.ko  module, each of 2 platforms"), out.npos) << out;
    EXPECT_NE(out.find("no signature at the end of the file"), out.npos) << out;
    EXPECT_NE(out.find("state.sig_enforce"), out.npos) << out;
  }
}

// A reader who knows no kernel source learns what the caller sees, and what would have to be known.
TEST_F(JudgeOnPlatforms, ExplanationsForPeople) {
  const std::string file = write("unsigned.ko", "no module");
  const auto judge = [&](const std::string& state) {
    const Finished judged =
        assay({"judge", "module", "--platform", platform("p.toml", "x86_64", state), file});
    return text(judged.out);
  };
  const auto expect = [](const std::string& out, std::initializer_list<const char*> parts) {
    for (const char* part : parts) EXPECT_NE(out.find(part), out.npos) << part << " in\n" << out;
  };
  expect(judge("sig_enforce = true\nlockdown = \"none\"\n"),
         {"no signature at the end of the file", "signatures are enforced",
          "the system call fails with EKEYREJECTED (129): Key was rejected by service",
          "the kernel's rules, in the order in which it asks"});
  expect(judge("sig_enforce = false\nlockdown = \"integrity\"\n"),
         {"the kernel is locked down", "EPERM (1): Operation not permitted",
          "kernel log: Lockdown: "});
  expect(judge("sig_enforce = false\n"),
         {"undetermined", "no signature at the end of the file", "state.lockdown",
          "to be known: state.lockdown - is the kernel locked down"});
  expect(judge("lockdown = \"integrity\"\n"),
         {"no signature at the end of the file; refused either way, with EPERM or EKEYREJECTED; "
          "which depends on state.sig_enforce"});
}

// What is open decides the error alone: every file says why, whether its walk is printed or not.
TEST_F(JudgeOnPlatforms, RefusedEitherWay) {
  const std::string on = write("open.toml",
                               "schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\n"
                               "cmdline = \"quiet\"\nconfig = { CONFIG_MODULE_SIG = \"y\" }\n"
                               "[state]\nsig_enforce = true\nlockdown = \"none\"\n");
  const std::string first = write("first.ko", "no module");
  const std::string second = write("second.ko", "no module");
  const std::string why =
      "refused either way: no signature at the end of the file (EKEYREJECTED), or loading of "
      "modules has been disabled (nomodule, or kernel.modules_disabled) (EPERM); which depends on "
      "state.modules_disabled";
  const Finished alone = assay({"judge", "module", "--platform", on, first});
  EXPECT_NE(text(alone.out).find(why), std::string::npos) << text(alone.out);
  EXPECT_EQ(alone.status, 1);
  const std::string both =
      text(assay({"judge", "module", "-j1", "--platform", on, first, second}).out);
  const std::size_t once = both.find(why);
  ASSERT_NE(once, std::string::npos) << both;
  EXPECT_NE(both.find(why, once + 1), std::string::npos) << both;
  const Finished json = assay({"judge", "module", "--json", "--platform", on, first});
  EXPECT_EQ(json.status, 1);
  EXPECT_EQ(Json::parse(text(json.out).substr(0, text(json.out).find('\n')))["decision"],
            "undetermined");
}

TEST_F(JudgeOnPlatforms, SeveralPlatformsAreCounted) {
  const std::string some =
      platform("some.toml", "x86_64", "sig_enforce = false\nlockdown = \"none\"\n");
  const std::string open = platform("open.toml", "x86_64", "lockdown = \"none\"\n");
  const std::string out = text(assay({"judge", "module", "--platform", some, "--platform", open,
                                      write("a.ko", "no module"), write("b.ko", "no module")})
                                   .out);
  EXPECT_NE(out.find("2 artifacts on 2 platforms, 4 verdicts: "), std::string::npos) << out;
  EXPECT_NE(out.find("state.sig_enforce"), std::string::npos) << "what is open: " << out;
}

TEST_F(JudgeOnPlatforms, WhatCannotBeReadIsUndeterminedOnEach) {
  const std::string some = platform("some.toml", "x86_64", "sig_enforce = false\n");
  const std::string other = platform("other.toml", "x86_64", "sig_enforce = true\n");
  const Finished judged = assay({"judge", "module", "--platform", some, "--platform", other,
                                 write("a.ko", "no module") + ".missing"});
  EXPECT_EQ(judged.status, 2);
  EXPECT_NE(text(judged.out).find("1 artifact on 2 platforms, 2 verdicts: 2 undetermined"),
            std::string::npos)
      << text(judged.out);
}

// A description that cannot be true of its kernel, or that says something else than it means.
TEST_F(JudgeOnPlatforms, PlatformsThatContradictThemselves) {
  write("bad.pol", "# comment\nnonsense line\n");
  write("empty.pol", "# comment\n");
  const auto error = [&](const std::string& rest) {
    const std::string on =
        write("wrong.toml",
              "schema = 1\n[kernel]\nversion = \"6.1\"\narch = \"x86_64\"\ncmdline = \"quiet\"\n"
              "config = { CONFIG_IMA = \"y\", CONFIG_IMA_APPRAISE = \"y\" }\n" +
                  rest);
    const Finished judged = assay({"judge", "module", "--platform", on, write("x.ko", "x")});
    EXPECT_EQ(judged.status, 2) << rest;
    return judged.error;
  };
  const auto expect = [&](const std::string& rest, std::initializer_list<const char*> parts) {
    const std::string said = error(rest);
    for (const char* part : parts) EXPECT_NE(said.find(part), said.npos) << part << " in " << said;
  };
  expect("[ima]\npolicy = [\"bad.pol\"]\n",
         {"refuses line 2 of bad.pol", "nonsense", "assay ima policy check"});
  expect("[ima]\npolicy = [\"empty.pol\"]\n", {"refuses empty.pol (it has no rule)"});
  // A kernel without CONFIG_IMA_APPRAISE_MODSIG.
  write("modsig.pol", "appraise func=MODULE_CHECK appraise_type=imasig|modsig\n");
  expect("[ima]\npolicy = [\"modsig.pol\"]\n", {"refuses line 1 of modsig.pol"});
  expect("[ima]\npolicy = [\"appraise func=MODULE_CHECK\"]\n",
         {"ima.policy takes file names, and this looks like a rule"});
  expect("[ima]\ninitial_rules = [\"measure func=BPRM_CHECK \", \"measure func=NONSENSE\"]\n",
         {"ima.initial_rules: rule 2 is none of this kernel", "measure func=NONSENSE"});
  // A kernel without IMA takes no policy.
  write("good.pol", "measure func=BPRM_CHECK\n");
  const std::string without =
      write("without.toml",
            "schema = 1\n[kernel]\nversion = \"6.1\"\narch = \"x86_64\"\ncmdline = \"quiet\"\n"
            "config = { CONFIG_IMA = \"n\" }\n[ima]\npolicy = [\"good.pol\"]\n");
  const Finished judged = assay({"judge", "module", "--platform", without, write("x.ko", "x")});
  EXPECT_EQ(judged.status, 2);
  EXPECT_NE(judged.error.find("refuses good.pol (it is built without CONFIG_IMA)"),
            judged.error.npos)
      << judged.error;
  for (const char* hash : {"foo", "bin:", "bin:123", "tbs:AB", "sha:00"})
    expect(std::string("[blocklist]\nhashes = [\"") + hash + "\"]\n", {"blocklist.hashes"});
}

// The kernel's modversions pass over the release, which is then said.
TEST_F(JudgeOnPlatforms, BuiltForAnotherRelease) {
  const std::string file = write("sample.ko", sample_module("6.6.6 SMP modversions "));
  const auto judge = [&](const std::string& release) {
    const std::string on =
        write("on.toml",
              "schema = 1\n[kernel]\nrelease = \"" + release +
                  "\"\narch = \"x86_64\"\nvariant = \"debian\"\ncmdline = \"quiet\"\n"
                  "config = { CONFIG_MODULES = \"y\", CONFIG_SMP = \"y\", CONFIG_MODVERSIONS = "
                  "\"y\" }\n[state]\nmodules_disabled = false\n[ima]\npolicy = []\n");
    return text(assay({"judge", "module", "--platform", on, file}).out);
  };
  const std::string other = judge("6.12.1");
  EXPECT_NE(other.find("built for release 6.6.6, and this kernel is 6.12.1: the checksums"),
            other.npos)
      << other;
  const std::string same = judge("6.6.6");
  EXPECT_EQ(same.find("built for release"), same.npos) << same;
}

TEST_F(JudgeOnPlatforms, CommandLineOfOption) {
  const std::string file = write("unsigned.ko", "no module");
  const std::string bare = write("bare.toml",
                                 "schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\n"
                                 "config = { CONFIG_MODULE_SIG = \"y\" }\n[ima]\npolicy = []\n");
  const auto rule = [&](const std::string& line, const std::string& platform) {
    const std::string out = text(
        assay({"judge", "module", "--json", "--platform", platform, "--cmdline", line, file}).out);
    return Json::parse(out.substr(0, out.find('\n')))["deciding_rule"];
  };
  EXPECT_EQ(rule("nomodule", bare), "module-load/modules-enabled");
  const std::string said =
      platform("said.toml", "x86_64", "sig_enforce = true\nlockdown = \"none\"\n");
  EXPECT_EQ(rule("nomodule", said), "module-sig/not-enforced") << "what the platform says counts";
}

TEST_F(JudgeOnPlatforms, RulesOfFirmwareShimAndGrubAreListed) {
  for (const auto& [wanted, status] :
       {std::pair<const char*, const char*>{"firmware/hash-not-in-dbx", "EFI_ACCESS_DENIED"},
        {"grub-appended/marker", "GRUB_ERR_BAD_SIGNATURE"}}) {
    const Finished listed = assay({"rules", "--json", wanted});
    EXPECT_EQ(listed.status, 0) << listed.error;
    const Json rule = Json::parse(text(listed.out));
    EXPECT_EQ(rule["id"], wanted);
    EXPECT_EQ(rule["status"], status);
    EXPECT_FALSE(rule.contains("errno"));
  }
  EXPECT_NE(text(assay({"rules"}).out).find("\nshim/"), std::string::npos);
}

// Platforms that cannot differ share their verdicts: together they say what each says alone.
TEST_F(JudgeOnPlatforms, TogetherAsAlone) {
  std::vector<std::string> platforms;
  for (const char* enforce : {"true", "false", ""})
    for (const char* lockdown : {"none", "integrity", "confidentiality", ""})
      for (const char* line : {"quiet", "ro", "nomodule", "module_blacklist=sample",
                               "ima_policy=tcb", "ima_policy=appraise_tcb"}) {
        std::string state;
        if (std::string_view(line) != "nomodule") state += "modules_disabled = false\n";
        if (*enforce != 0) state += std::string("sig_enforce = ") + enforce + "\n";
        if (*lockdown != 0) state += std::string("lockdown = \"") + lockdown + "\"\n";
        platforms.push_back(write(
            "p" + std::to_string(platforms.size()) + ".toml",
            "schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\nvariant = \"debian\"\n"
            "cmdline = \"" +
                std::string(line) +
                "\"\nconfig = { CONFIG_MODULE_SIG = \"y\", CONFIG_IMA = \"y\", "
                "CONFIG_IMA_APPRAISE = \"y\" }\n[ima]\npolicy = []\n[state]\n" +
                state));
      }
  const std::string folder = folder_ / "modules";
  std::filesystem::create_directory(folder);
  write("modules/text.ko", "no module");
  write("modules/marker.ko", std::string(100, 'x') + "~Module signature appended~\n");
  ElfSample elf(true, false);
  const std::string info = std::string("name=sample") + '\0' + "vermagic=6.12 " + '\0';
  elf.sections.push_back({".modinfo", 1, std::vector<std::uint8_t>(info.begin(), info.end())});
  elf.sections.push_back({".gnu.linkonce.this_module", 1, std::vector<std::uint8_t>(64)});
  elf.add_symbols({{"init_module", 0, 0, 1}});
  write("modules/sample.ko", text(elf.write()));
  const auto verdicts = [&](const std::vector<std::string>& asked) {
    std::vector<std::string> command = {"judge", "module", "--json"};
    for (const std::string& one : asked) command.insert(command.end(), {"--platform", one});
    command.push_back(folder);
    std::istringstream lines(text(assay(command).out));
    std::map<std::string, std::string> found;
    for (std::string line; std::getline(lines, line);) {
      const Json json = Json::parse(line);
      if (json["schema"] == "assay.verdict/1")
        found[json["platform"].get<std::string>() + json["path"].get<std::string>()] = line;
    }
    return found;
  };
  const auto together = verdicts(platforms);
  EXPECT_EQ(together.size(), 3 * platforms.size());
  std::map<std::string, std::string> alone;
  for (const std::string& one : platforms) alone.merge(verdicts({one}));
  EXPECT_EQ(together, alone);
  std::set<std::string> decisions;
  for (const auto& [place, line] : together)
    decisions.insert(Json::parse(line)["decision"].get<std::string>() +
                     Json::parse(line)["errno"].dump());
  EXPECT_GE(decisions.size(), 5U) << "they differ";
}

}  // namespace
}  // namespace assay
