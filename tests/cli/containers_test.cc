// Every command looks into containers: an initramfs, a disk, one in the other. The signed files of
// tests/cases stand in for modules.

#include <gtest/gtest.h>

#include "bytes/view.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

const std::string kCases = "tests/cases/appended/";
const std::string kGood = kCases + "artifacts/signed.bin";
const std::string kGoodKey = kCases + "keys/good.der";

class ContainersTest : public testing::Test {
 protected:
  // An initramfs with a module, compressed and not, and the same in a FAT in a GPT.
  void SetUp() override {
    write_file(folder_ / "t/lib/modules/R/good.ko", read_file(kGood));
    auto bad = read_file(kGood);
    bad.front() ^= 1;
    write_file(folder_ / "t/lib/modules/R/bad.ko", bad);
    run("xz -k --check=crc32 t/lib/modules/R/good.ko; "
        "printf '%s\\n' lib/modules/R/bad.ko lib/modules/R/good.ko lib/modules/R/good.ko.xz > "
        "list; "
        "(cd t; cpio -o -H newc --quiet) < list | gzip > initrd.gz; "
        "truncate -s 8M fat; mkfs.fat fat >/dev/null; mcopy -i fat initrd.gz ::; "
        "truncate -s 20M disk; printf 'label: gpt\\nstart=2048,size=16384,type=U\\n' | "
        "sfdisk -q disk; dd if=fat of=disk bs=512 seek=2048 conv=notrunc status=none");
  }
  void run(const std::string& script) {
    const Finished done = run_command(
        {"sh", "-ec",
         "cd '" + folder_.path().string() + "'; export PATH=$PATH:/sbin:/usr/sbin; " + script});
    ASSERT_EQ(done.status, 0) << done.error;
  }
  TemporaryFolder folder_;
};

TEST_F(ContainersTest, VerifyNamesWhatLiesInside) {
  for (const std::string& in : {folder_ / "initrd.gz", folder_ / "disk" + "!1!initrd.gz"}) {
    const std::string path = in.substr(0, in.find('!'));
    const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, path});
    EXPECT_EQ(ran.status, 1) << ran.error;
    EXPECT_EQ(ran.summary()["artifacts"], 3);
    EXPECT_EQ(ran.artifact(in + "!lib/modules/R/good.ko")["status"], "verified");
    EXPECT_EQ(ran.artifact(in + "!lib/modules/R/good.ko.xz")["status"], "verified");
    EXPECT_EQ(ran.artifact(in + "!lib/modules/R/bad.ko")["status"], "bad");
  }
}

TEST_F(ContainersTest, InspectTakesThem) {
  const Ran inspected = run_assay({"inspect", "--json", folder_ / "disk"});
  EXPECT_EQ(inspected.status, 0) << inspected.error;
  EXPECT_EQ(inspected.artifact("!1!initrd.gz!lib/modules/R/good.ko.xz")["format"], "ko.xz");
}

// The root is that of the same modules in a folder.
TEST_F(ContainersTest, HashesTakesThem) {
  run("rm t/lib/modules/R/good.ko.xz; "
      "printf 'lib/modules/R/bad.ko\\nlib/modules/R/good.ko\\n' > t/lib/modules/R/modules.order; "
      "(cd t; find . | cpio -o -H newc --quiet) | xz --check=crc32 > i; "
      "tar cf i.tar t/lib");
  const auto root = [&](const std::string& path) {
    const Ran ran = run_assay({"hashes", "build", "--json", path});
    EXPECT_EQ(ran.status, 0) << ran.error;
    return ran.status == 0 ? ran.lines().front()["root"].get<std::string>() : std::string();
  };
  const std::string expected = root(folder_ / "t");
  EXPECT_EQ(expected.size(), 64U);
  EXPECT_EQ(root(folder_ / "i"), expected);
  EXPECT_EQ(root(folder_ / "i.tar"), expected);
}

TEST_F(ContainersTest, JudgeAsksAboutModulesInsideAndNotAboutTheirContainer) {
  const std::string platform = folder_ / "p.toml";
  write_file(platform, bytes_of("schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\n"
                                "variant = \"debian\"\nconfig = { CONFIG_MODULE_SIG = \"y\" }\n"
                                "[state]\nsig_enforce = true\nlockdown = \"none\"\n"));
  const Ran ran =
      run_assay({"judge", "module", "--json", "--platform", platform, folder_ / "disk"});
  ASSERT_EQ(ran.lines().size(), 4U) << ran.out << ran.error;
  for (const Json& line : ran.lines()) {
    if (!line.contains("path")) continue;
    EXPECT_NE(line["path"].get<std::string>().find("!1!initrd.gz!lib/modules/R/"),
              std::string::npos);
  }
}

TEST_F(ContainersTest, DamageNamesTheContainerAndThePlace) {
  run("head -c -20 initrd.gz > cut.gz");
  const Ran ran = run_assay({"verify", "--json", "--trust", kGoodKey, folder_ / "cut.gz"});
  EXPECT_EQ(ran.artifact("cut.gz")["reason"]["id"], "codec/truncated");
  EXPECT_EQ(ran.summary()["verified"], 2);
}

// File systems with the modules, under another root.
TEST_F(ContainersTest, ImagesOfFileSystemsAreOpened) {
  run("truncate -s 8M ext4; mke2fs -q -t ext4 -d t ext4 2>log; mksquashfs t squashfs -quiet "
      "-no-progress >log; mkfs.erofs -zlz4 erofs t >log 2>&1; cp squashfs u; "
      "xorriso -as mkisofs -quiet -R -o iso u 2>log");
  for (const char* image : {"ext4", "squashfs", "erofs", "iso"}) {
    const std::string in = folder_ / image + (image == std::string("iso") ? "!u!" : "!");
    const Ran ran =
        run_assay({"verify", "--json", "--sandbox=require", "--trust", kGoodKey, folder_ / image});
    EXPECT_EQ(ran.status, 1) << image << ran.error;
    EXPECT_EQ(ran.summary()["artifacts"], 3) << image << ran.out;
    EXPECT_EQ(ran.artifact(in + "lib/modules/R/good.ko.xz")["status"], "verified") << image;
    EXPECT_EQ(ran.artifact(in + "lib/modules/R/bad.ko")["status"], "bad") << image;
  }
}

// What is given up is not needed: all that read do under --sandbox=require what they do without.
TEST_F(ContainersTest, CommandsThatReadWorkInTheSandbox) {
  const std::string platform = folder_ / "p.toml";
  write_file(platform, bytes_of("schema = 1\n[kernel]\nversion = \"6.12\"\narch = \"x86_64\"\n"
                                "variant = \"debian\"\nconfig = { CONFIG_MODULE_SIG = \"y\" }\n"
                                "[state]\nsig_enforce = true\nlockdown = \"none\"\n"));
  const std::vector<std::vector<std::string>> commands = {
      {"verify", "--json", "--trust", kGoodKey, folder_ / "disk"},
      {"verify", "--json", folder_ / "t"},
      {"inspect", "--json", "-j", "4", folder_ / "disk"},
      {"judge", "module", "--json", "--platform", platform, folder_ / "disk"},
      {"judge", "module", "--json", "--platform=host", kGood},
      {"compare", "--json", folder_ / "t", folder_ / "t"}};
  // Elsewhere, so that the sandbox leaves nothing else readable beside it.
  run("mkdir -p scratch");
  const auto run_in = [&](std::vector<std::string> words, const std::string& sandbox) {
    words.insert(words.begin(), {"env", "TMPDIR=" + (folder_ / "scratch"), ASSAY_BINARY});
    words.push_back("--sandbox=" + sandbox);
    const Finished done = run_command(words);
    return Ran{done.status, std::string(done.out.begin(), done.out.end()), done.error};
  };
  for (const std::vector<std::string>& words : commands) {
    const Ran without = run_in(words, "off");
    const Ran within = run_in(words, "require");
    EXPECT_EQ(within.status, without.status) << words.front() << within.error;
    EXPECT_EQ(within.out, without.out) << words.front();
    EXPECT_EQ(within.error, without.error) << words.front();
  }
}

// Images whose files are holes: what they unpack to is as large as they are.
TEST_F(ContainersTest, MemoryDoesNotGrowWithTheImage) {
  constexpr int kMost = 256 * 1024;  // KiB
  for (const int megabytes : {64, 1024}) {
    run("rm -rf big; mkdir big; truncate -s " + std::to_string(megabytes / 5) +
        "M big/1; cp t/lib/modules/R/good.ko big; rm -f ext4 squashfs; truncate -s " +
        std::to_string(megabytes) +
        "M ext4; mke2fs -q -t ext4 -d big ext4 2>log; mksquashfs big squashfs -quiet -no-progress "
        ">log");
    for (const char* image : {"ext4", "squashfs"}) {
      const Finished done =
          run_command({"python3", "-c",
                       "import resource, subprocess, sys\n"
                       "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
                       "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                       ASSAY_BINARY, "verify", "--trust", kGoodKey, folder_ / image});
      ASSERT_EQ(done.status, 0) << done.error;
      EXPECT_LE(std::stoi(std::string(done.out.begin(), done.out.end())), kMost)
          << image << ' ' << megabytes;
    }
  }
}

}  // namespace
}  // namespace assay
