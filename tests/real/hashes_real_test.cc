// The modules of Debian's own kernel hashed into a tree, proved, compressed, packaged, and judged
// on a kernel with that root. The root is computed apart, by Python's hashlib.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "testing/der.h"
#include "tests/cli/run_assay.h"
#include "tests/cli/vmlinux_sample.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReference = R"(
import hashlib, struct, sys
digest = lambda data: hashlib.sha256(data).digest()
folder = sys.argv[1]
names = open(folder + "/modules.order").read().splitlines()
level = [digest(b"\1" + struct.pack(">I", i) + open(folder + "/" + name, "rb").read())
         for i, name in enumerate(names)]
count = 0
while len(level) > 1:
    level = [digest(b"\2" + level[i] + level[min(i + 1, len(level) - 1)])
             for i in range(0, len(level), 2)]
    count += 1
print(count, level[0].hex())
)";

std::string text_of(const Finished& finished) {
  EXPECT_EQ(finished.status, 0) << finished.error;
  return {finished.out.begin(), finished.out.end()};
}

std::string cloud_package() {
  const char* folder = std::getenv("ASSAY_KERNELS");
  if (folder == nullptr) return {};
  const std::regex wanted("linux-image-6[.]1[.]0-[0-9]+-cloud-amd64_.*[.]deb");
  for (const auto& entry : fs::directory_iterator(folder))
    if (std::regex_match(entry.path().filename().string(), wanted)) return entry.path().string();
  return {};
}

class HashesReal : public testing::Test {
 protected:
  void SetUp() override {
    const std::string package = cloud_package();
    ASSERT_FALSE(package.empty());
    text_of(run_command({"dpkg-deb", "-x", package, root()}));
    release_ = fs::directory_iterator(root() + "/lib/modules")->path().filename().string();
    // As a kernel of the series has them: not signed.
    ASSERT_EQ(run_assay({"excise", "--discard", "--in-place", "-q", modules()}).status, 0);
    const std::string reference = text_of(run_command({"python3", "-c", kReference, modules()}));
    levels_ = reference.substr(0, reference.find(' '));
    hash_ = reference.substr(reference.find(' ') + 1, 64);
  }
  std::string root() const { return folder_ / "root"; }
  std::string modules() const { return root() + "/lib/modules/" + release_; }

  // A kernel of Debian's configuration that was built with this tree, and takes nothing else.
  std::string platform() const {
    write_file(folder_ / "p.toml",
               der::bytes("schema = 1\n[kernel]\nversion = \"6.1\"\nrelease = \"" + release_ +
                          "\"\narch = \"x86_64\"\nvariant = \"debian\"\ncmdline = \"quiet\"\n"
                          "config = \"root/boot/config-" +
                          release_ +
                          "\"\n[state]\nsig_enforce = true\nlockdown = \"integrity\"\n"
                          "modules_disabled = false\noverride = true\n[keyrings]\n"
                          "builtin_trusted_keys = []\nsecondary_trusted_keys = []\nmachine = []\n"
                          "platform = []\n[ima]\npolicy = []\n[module_hashes]\n"
                          "format = \"merkle-v5\"\nlevels = " +
                          levels_ + "\nroot = \"" + hash_ + "\"\n"));
    return folder_ / "p.toml";
  }

  TemporaryFolder folder_;
  std::string release_;
  std::string levels_;
  std::string hash_;
};

TEST_F(HashesReal, BuiltProvedCompressedPackagedAndJudged) {
  const Ran built =
      run_assay({"hashes", "build", "--json", "--section", folder_ / "section", modules()});
  ASSERT_EQ(built.status, 0) << built.error;
  const Json tree = built.lines().front();
  EXPECT_EQ(tree["root"], hash_);
  EXPECT_EQ(std::to_string(tree["levels"].get<int>()), levels_);
  const auto count = tree["count"].get<std::uint64_t>();
  EXPECT_GT(count, 1000U);

  ASSERT_EQ(run_assay({"hashes", "attach", "--in-place", "-q", modules()}).status, 0);
  // As modules_install compresses, but faster.
  text_of(run_command(
      {"sh", "-c",
       "find " + modules() + " -name '*.ko' -print0 | xargs -0 xz -T2 -0 --check=crc32"}));
  write_file(root() + "/DEBIAN/control",
             der::bytes("Package: linux-image-proved\nVersion: 1\nArchitecture: amd64\n"
                        "Maintainer: A <a@b>\nDescription: modules with proofs\n"));
  const std::string package = folder_ / "linux-image-proved.deb";
  text_of(run_command({"dpkg-deb", "--root-owner-group", "-Znone", "-b", root(), package}));

  const std::string vmlinux = link_vmlinux(folder_ / "vmlinux", read_file(folder_ / "section"));
  const Ran verified = run_assay({"hashes", "verify", "--kernel", vmlinux, package});
  EXPECT_EQ(verified.status, 0) << verified.out << verified.error;
  EXPECT_NE(verified.out.find(std::to_string(count) + " modules: " + std::to_string(count) +
                              " the kernel knows, 0 it does not"),
            std::string::npos)
      << verified.out;

  const Ran judged = run_assay({"judge", "module", "--json", "--platform", platform(), package});
  EXPECT_EQ(judged.status, 0) << judged.error;
  const Json summary = judged.summary();
  EXPECT_EQ(summary["artifacts"].get<std::uint64_t>(), count);
  EXPECT_EQ(
      summary["allowed"].get<std::uint64_t>() + summary["allowed_tainted"].get<std::uint64_t>(),
      count);
  for (const Json& line : judged.lines())
    EXPECT_FALSE(line.value("taint", "").contains('E')) << line["path"];
}

// Of all these modules one byte of one is another: that one is refused, and no other.
TEST_F(HashesReal, OneByteIsFound) {
  ASSERT_EQ(run_assay({"hashes", "attach", "--in-place", "-q", modules()}).status, 0);
  const auto lines = read_file(modules() + "/modules.order");
  const std::string order(lines.begin(), lines.end());
  const std::string name = order.substr(0, order.find('\n'));
  const std::string changed = modules() + '/' + name;
  auto bytes = read_file(changed);
  bytes[bytes.size() / 2] ^= 1;
  write_file(changed, bytes);
  const Ran judged = run_assay({"judge", "module", "--json", "--platform", platform(), modules()});
  EXPECT_EQ(judged.status, 1) << judged.error;
  EXPECT_EQ(judged.summary()["refused"], 1);
  EXPECT_EQ(judged.artifact('/' + name)["deciding_rule"], "module-hashes-v5/not-enforced");
  const Ran explained =
      run_assay({"hashes", "explain", "--root", hash_, "--levels", levels_, modules()});
  EXPECT_EQ(explained.status, 1);
  EXPECT_NE(explained.out.find("1 modules lead to another root than the others"), std::string::npos)
      << explained.out;
}

// strip, as packagers do it, over all of Debian's modules: held against those that were hashed.
TEST_F(HashesReal, StrippedByThePackager) {
  fs::copy(modules(), folder_ / "hashed",
           fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  ASSERT_EQ(run_assay({"hashes", "attach", "--in-place", "-q", modules()}).status, 0);
  text_of(run_command(
      {"sh", "-c", "find " + modules() + " -name '*.ko' -print0 | xargs -0 strip --strip-all"}));
  const Ran explained = run_assay({"hashes", "explain", "--root", hash_, "--levels", levels_,
                                   "--reference", folder_ / "hashed", modules()});
  EXPECT_EQ(explained.status, 1);
  EXPECT_NE(explained.out.find("were stripped after they were hashed: they would match but for "
                               ".strtab, .symtab;"),
            std::string::npos)
      << explained.out;
  EXPECT_EQ(explained.out.find("other programs"), std::string::npos) << explained.out;
}

}  // namespace
}  // namespace assay
