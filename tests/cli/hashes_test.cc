// assay hashes: lists and trees over module trees, proofs put behind modules, and what is said
// where nothing loads.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/hex.h"
#include "crypto/hash.h"
#include "testing/der.h"
#include "tests/cli/run_assay.h"
#include "tests/cli/vmlinux_sample.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

// Made by hand from the definition of the tree: five modules "module 0\n" to "module 4\n".
constexpr const char* kRoot = "17da356aab3b86ba51f9215babd09a4eb4b0e7815a3c6da67374d24dc56f40dd";
constexpr const char* kFirstProved =
    "59aca24fdebf5a00a8e873bcd15261a2961cccd5ffdbd9bd17e2bbd864b5a495";
constexpr const char* kLastProved =
    "c14fa16e500fd3f7f6d4e5e0f231ab9c613b40786fc6389aeda2acbb9d1e6be9";
constexpr int kModules = 5;

std::string sha256(const Bytes& bytes) { return compute_digest(Hash::sha256, bytes)->hex(); }

class Hashes : public testing::Test {
 protected:
  Hashes() {
    std::string order;
    for (int i = 0; i < kModules; ++i) {
      write_file(module(i), content(i));
      order += "kernel/fs.d/m" + std::to_string(i) + ".ko\n";
    }
    write_order(order);
  }
  void write_order(const std::string& text) {
    write_file(folder_ / "tree/modules.order", der::bytes(text));
  }
  static Bytes content(int i) { return der::bytes("module " + std::to_string(i) + "\n"); }
  std::string module(int i) const {
    return folder_ / ("tree/kernel/fs.d/m" + std::to_string(i) + ".ko");
  }
  std::string tree() const { return folder_ / "tree"; }

  void attach() {
    const Ran ran = run_assay({"hashes", "attach", "--in-place", tree()});
    ASSERT_EQ(ran.status, 0) << ran.error;
  }
  Ran verify(std::vector<std::string> more) const {
    more.insert(more.begin(), {"hashes", "verify"});
    return run_assay(std::move(more));
  }
  Ran verify_root(const std::string& path) const {
    return verify({"--root", kRoot, "--levels", "3", path});
  }
  std::string kernel_with(const Bytes& section) const {
    return link_vmlinux(folder_ / "vmlinux", section);
  }

  TemporaryFolder folder_;
};

TEST_F(Hashes, BuildsTheTreeOfTheDefinition) {
  const Ran ran = run_assay({"hashes", "build", "--json", "--section", folder_ / "root",
                             "--c-source", folder_ / "root.c", tree()});
  ASSERT_EQ(ran.status, 0) << ran.error;
  const Json built = ran.lines().front();
  EXPECT_EQ(built["schema"], "assay.module-hashes/1");
  EXPECT_EQ(built["format"], "merkle-v5");
  EXPECT_EQ(built["count"], kModules);
  EXPECT_EQ(built["levels"], 3);
  EXPECT_EQ(built["root"], kRoot);
  EXPECT_EQ(to_hex(read_file(folder_ / "root")), std::string("03000000") + kRoot);
  EXPECT_EQ(
      run_assay({"hashes", "build", "--big-endian", "--section", folder_ / "root", tree()}).status,
      0);
  EXPECT_EQ(to_hex(read_file(folder_ / "root")), std::string("00000003") + kRoot);
}

// The C source makes the bytes that --section writes, by a real compiler.
TEST_F(Hashes, TheSourceCompilesToTheSection) {
  ASSERT_EQ(run_assay({"hashes", "build", "--section", folder_ / "root", "--c-source",
                       folder_ / "root.c", tree()})
                .status,
            0);
  const std::string include = folder_ / "include/linux";
  fs::create_directories(include);
  write_file(
      include + "/module_hashes.h",
      der::bytes("#define __module_hashes_section __attribute__((section(\".module_hashes\")))\n"
                 "struct module_hash { unsigned char h[32]; };\n"
                 "struct module_hashes_root { unsigned levels; struct module_hash hash; };\n"));
  const Finished compiled = run_command(
      {"gcc", "-c", "-I", folder_ / "include", "-o", folder_ / "root.o", folder_ / "root.c"});
  ASSERT_EQ(compiled.status, 0) << compiled.error;
  ASSERT_EQ(run_command({"objcopy", "-O", "binary", "--only-section=.module_hashes",
                         "--set-section-flags", ".module_hashes=alloc", folder_ / "root.o",
                         folder_ / "root.bin"})
                .status,
            0);
  EXPECT_EQ(read_file(folder_ / "root.bin"), read_file(folder_ / "root"));
}

TEST_F(Hashes, ListsAreRowsInTheOrderOfTheBuild) {
  ASSERT_EQ(
      run_assay({"hashes", "build", "--format", "list-v3", "--section", folder_ / "list", tree()})
          .status,
      0);
  const Bytes list = read_file(folder_ / "list");
  ASSERT_EQ(list.size(), 32U * kModules);
  for (int i = 0; i < kModules; ++i)
    EXPECT_EQ(to_hex(std::span(list).subspan(32U * static_cast<unsigned>(i), 32)),
              sha256(content(i)));
  EXPECT_EQ(verify({"--list", folder_ / "list", tree()}).status, 0);
  EXPECT_EQ(verify({"--kernel", kernel_with(list), tree()}).status, 0);
  write_file(module(2), der::bytes("another"));
  const Ran ran = verify({"--list", folder_ / "list", tree()});
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.out.find("m2.ko is not in the kernel's list"), std::string::npos) << ran.out;
}

TEST_F(Hashes, ProofsArePutBehindModulesAndComeOffAgain) {
  attach();
  EXPECT_EQ(sha256(read_file(module(0))), kFirstProved);
  EXPECT_EQ(sha256(read_file(module(4))), kLastProved);
  const Ran ran = verify_root(tree());
  EXPECT_EQ(ran.status, 0) << ran.out;
  // Once more: nothing is to be done, and the tree is that of the modules without their proofs.
  const Ran again = run_assay({"hashes", "attach", "--in-place", "--json", tree()});
  EXPECT_EQ(again.summary()["unchanged"].get<int>(), kModules + 1) << again.out;
  EXPECT_EQ(run_assay({"hashes", "build", "--json", tree()}).lines().front()["root"], kRoot);
  ASSERT_EQ(run_assay({"excise", "--discard", "--in-place", tree()}).status, 0);
  for (int i = 0; i < kModules; ++i) EXPECT_EQ(read_file(module(i)), content(i));
}

TEST_F(Hashes, CompressedModulesAreHashedAsWhatTheyHold) {
  for (const auto& [suffix, command] : std::map<std::string, std::vector<std::string>>{
           {"xz", {"xz", "--check=crc32", "--lzma2=dict=1MiB"}},
           {"gz", {"gzip", "-n"}},
           {"zst", {"zstd", "-q", "--rm"}}}) {
    const int i = suffix == "xz" ? 0 : suffix == "gz" ? 1 : 2;
    std::vector<std::string> compress = command;
    compress.push_back(module(i));
    ASSERT_EQ(run_command(compress).status, 0);
  }
  attach();
  EXPECT_EQ(verify_root(tree()).status, 0);
  ASSERT_EQ(run_command({"xz", "-d", module(0) + ".xz"}).status, 0);
  EXPECT_EQ(sha256(read_file(module(0))), kFirstProved);
}

TEST_F(Hashes, PartOfTheModulesIsVerifiedButMakesNoTree) {
  attach();
  fs::remove(module(1));
  fs::remove(module(3));
  EXPECT_EQ(verify_root(tree()).status, 0);
  const Ran ran = run_assay({"hashes", "build", tree()});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.error.find("2 of 5 modules of modules.order are not there: 1 (kernel/fs.d/m1), "
                           "3 (kernel/fs.d/m3)"),
            std::string::npos)
      << ran.error;
}

TEST_F(Hashes, OrdersThatAreNoneAreRefused) {
  const std::pair<std::string, std::string> cases[] = {{"a.ko\r\n", "carriage return"},
                                                       {"a.ko\nb.ko", "line 2"},
                                                       {"a.c\n", "neither with .o"},
                                                       {"a.ko\na.ko\n", "listed twice"},
                                                       {".ko\n", "no name"}};
  for (const auto& [text, said] : cases) {
    write_order(text);
    const Ran ran = run_assay({"hashes", "build", tree()});
    EXPECT_EQ(ran.status, 2);
    EXPECT_NE(ran.error.find(said), std::string::npos) << ran.error;
  }
  fs::remove(folder_ / "tree/modules.order");
  EXPECT_NE(run_assay({"hashes", "build", tree()}).error.find("--order"), std::string::npos);
}

TEST_F(Hashes, TheRootOfAKernelImageCounts) {
  attach();
  const Bytes root = *from_hex(std::string("03000000") + kRoot);
  const std::string kernel = kernel_with(root);
  const Ran ran = verify({"--kernel", kernel, tree()});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
  EXPECT_NE(ran.out.find("section .module_hashes"), std::string::npos) << ran.out;
  // An image without sections: found by the value that the proofs lead to.
  Bytes flat = read_file(kernel);
  ASSERT_EQ(run_command({"objcopy", "--remove-section=.module_hashes", kernel}).status, 0);
  EXPECT_EQ(verify({"--kernel", kernel, tree()}).status, 2);
  flat = read_file(kernel);
  flat.insert(flat.end(), root.begin(), root.end());
  write_file(folder_ / "flat", flat);
  const Ran by_value = verify({"--kernel", folder_ / "flat", tree()});
  EXPECT_EQ(by_value.status, 0) << by_value.out << by_value.error;
  EXPECT_NE(by_value.out.find("found by value"), std::string::npos) << by_value.out;
}

TEST_F(Hashes, ExplainsWhyNothingLoads) {
  const auto explain = [&](const std::string& path, const std::string& root = kRoot) {
    const Ran ran =
        run_assay({"hashes", "explain", "--json", "--root", root, "--levels", "3", path});
    EXPECT_EQ(ran.status, 1) << ran.error;
    std::vector<std::string> ids;
    for (const Json& line : ran.lines())
      if (line["schema"] == "assay.module-hashes-diagnosis/1") ids.push_back(line["id"]);
    return ids;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(explain(tree()), Ids{"without-proof"});
  attach();
  std::string other = kRoot;
  other[0] = '2';
  EXPECT_EQ(explain(tree(), other), Ids{"other-kernel"});
  Bytes changed = read_file(module(2));
  changed[0] ^= 1;
  write_file(module(2), changed);
  EXPECT_EQ(explain(tree()), Ids{"changed"});
  const Ran zero = run_assay(
      {"hashes", "explain", "--json", "--root", std::string(64, '0'), "--levels", "0", tree()});
  EXPECT_NE(zero.out.find("\"placeholder\""), std::string::npos) << zero.out;
}

TEST_F(Hashes, JudgeKnowsTheMechanism) {
  attach();
  const auto judge = [&](const std::string& format, const std::string& more) {
    write_file(
        folder_ / "p.toml",
        der::bytes("schema = 1\n[kernel]\nversion = \"7.2\"\narch = \"x86_64\"\n"
                   "variant = \"mainline\"\ncmdline = \"quiet\"\n"
                   "config = { CONFIG_MODULES = \"y\", CONFIG_MODULE_HASHES = \"y\" }\n"
                   "[state]\nsig_enforce = true\nlockdown = \"none\"\nmodules_disabled = false\n"
                   "[ima]\npolicy = []\n"
                   "[module_hashes]\nformat = \"" +
                   format + "\"\n" + more));
    return run_assay({"judge", "module", "--json", "--platform", folder_ / "p.toml", module(2)})
        .lines()
        .front();
  };
  const std::string root = std::string("root = \"") + kRoot + "\"\nlevels = 3\n";
  // The proof holds; then the file turns out to be no ELF file.
  EXPECT_EQ(judge("merkle-v5", root)["errno"], "ENOEXEC");
  EXPECT_EQ(judge("merkle-v5", "")["decision"], "undetermined");
  Bytes changed = read_file(module(2));
  changed[0] ^= 1;
  write_file(module(2), changed);
  EXPECT_EQ(judge("merkle-v5", root)["deciding_rule"], "module-hashes-v5/not-enforced");
  EXPECT_EQ(judge("merkle-v4", root)["errno"],
            "ENOEXEC");  // forgiven, though signatures are enforced
}

}  // namespace
}  // namespace assay
