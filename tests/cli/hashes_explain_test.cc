// assay hashes explain: the cases that packagers and builders reported, made with their tools: gcc,
// strip, xz, zstd, openssl.

#include <gtest/gtest.h>

#include <filesystem>

#include "base/hex.h"
#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"
#include "tests/cli/vmlinux_sample.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr int kModules = 3;
using Ids = std::vector<std::string>;

class HashesExplain : public testing::Test {
 protected:
  HashesExplain() {
    std::string order;
    for (int i = 0; i < kModules; ++i) {
      compile("build", i, std::to_string(i));
      order += "kernel/fs/m" + std::to_string(i) + ".ko\n";
    }
    write_file(folder_ / "build/modules.order", der::bytes(order));
    fs::copy(folder_ / "build", folder_ / "tree", fs::copy_options::recursive);
  }

  // With debug information, as CONFIG_DEBUG_INFO has it.
  void compile(const std::string& tree, int i, const std::string& value) const {
    write_file(folder_ / "m.c",
               der::bytes("__attribute__((section(\".modinfo\"))) const char info[] = "
                          "\"vermagic=7.1.0 SMP mod_unload \";\n"
                          "__attribute__((section(\".gnu.linkonce.this_module\"))) char m[64] = "
                          "\"m\";\nint init_module(void) { return " +
                          value + "; }\n"));
    fs::create_directories(fs::path(module(i, tree)).parent_path());
    run_or_fail({"gcc", "-g", "-c", "-o", module(i, tree), folder_ / "m.c"});
  }
  std::string module(int i, const std::string& tree = "tree") const {
    return folder_ / (tree + "/kernel/fs/m" + std::to_string(i) + ".ko");
  }
  std::string tree() const { return folder_ / "tree"; }
  std::string build() const { return folder_ / "build"; }
  void strip(const std::string& how, const std::string& tree = "tree") const {
    for (int i = 0; i < kModules; ++i) run_or_fail({"strip", how, module(i, tree)});
  }
  void attach() const {
    ASSERT_EQ(run_assay({"hashes", "attach", "--in-place", tree()}).status, 0);
  }

  // The kernel that was built with the modules of a tree.
  std::string kernel_of(const std::string& tree, const std::string& format = "merkle-v5") const {
    const Ran ran =
        run_assay({"hashes", "build", "--format", format, "--section", folder_ / "section", tree});
    EXPECT_EQ(ran.status, 0) << ran.error;
    return link_vmlinux(folder_ / "vmlinux-7.1.0", read_file(folder_ / "section"));
  }
  void write_config(const std::string& options) const {
    write_file(folder_ / "config-7.1.0", der::bytes("CONFIG_MODULES=y\n" + options));
  }

  struct Explained {
    Ids ids;
    std::string text;
  };
  Explained explain(const std::string& kernel, Ids more = {}) const {
    more.insert(more.begin(), {"hashes", "explain", "--json", "--kernel", kernel, tree()});
    const Ran ran = run_assay(more);
    EXPECT_EQ(ran.status, 1) << ran.out << ran.error;
    Explained explained;
    for (const Json& line : ran.lines())
      if (line["schema"] == "assay.module-hashes-diagnosis/1") {
        explained.ids.push_back(line["id"]);
        explained.text += line["text"].get<std::string>() + '\n';
      }
    return explained;
  }
  static void expect_in(const std::string& part, const std::string& text) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin " << text;
  }

  TemporaryFolder folder_;
};

// NixOS without dontStrip, dh_strip: what stands behind the ELF file goes too.
TEST_F(HashesExplain, StrippedAfterHashing) {
  const std::string kernel = kernel_of(build());
  attach();
  for (const char* how : {"--strip-debug", "--strip-unneeded", "--strip-all"}) {
    strip(how);
    const Explained explained = explain(kernel, {"--reference", build()});
    EXPECT_EQ(explained.ids, (Ids{"without-proof", "stripped"})) << how;
    expect_in("3 modules", explained.text);
    expect_in("they would match but for ", explained.text);
    expect_in(".debug_info", explained.text);
    expect_in("dontStrip", explained.text);
    EXPECT_EQ(explained.text.find(".symtab") != std::string::npos,
              std::string(how) == "--strip-all");
  }
}

// INSTALL_MOD_STRIP as version 5 has it: stripped, then hashed.
TEST_F(HashesExplain, StrippedBeforeHashing) {
  strip("--strip-debug");
  const std::string kernel = kernel_of(tree());
  attach();
  EXPECT_EQ(run_assay({"hashes", "verify", "--kernel", kernel, tree()}).status, 0);
}

// Proofs attached to what was stripped lead to another root.
TEST_F(HashesExplain, StrippedBeforeTheProofsWerePutBack) {
  const std::string kernel = kernel_of(build());
  strip("--strip-debug");
  attach();
  const Explained explained = explain(kernel, {"--reference", build()});
  EXPECT_EQ(explained.ids, (Ids{"other-kernel", "stripped"}));
}

// Without the modules of the build there are signs.
TEST_F(HashesExplain, SignsOfStripping) {
  const std::string kernel = kernel_of(build(), "list-v3");
  write_config("CONFIG_DEBUG_INFO=y\nCONFIG_MODULE_SIG=y\n");
  strip("--strip-debug");
  const Explained explained = explain(kernel);
  EXPECT_EQ(explained.ids, Ids{"stripped"});
  expect_in("it seems", explained.text);
  expect_in("CONFIG_DEBUG_INFO", explained.text);
  // Nobody says that there was debug information.
  write_config("CONFIG_MODULE_SIG=y\n");
  EXPECT_EQ(explain(kernel).ids, Ids{});
  strip("--strip-all");
  expect_in("symbol table", explain(kernel).text);
}

TEST_F(HashesExplain, HashedStrippedInstalledWhole) {
  strip("--strip-debug", "build");
  const std::string kernel = kernel_of(build());
  attach();
  const Explained explained = explain(kernel, {"--reference", build()});
  EXPECT_EQ(explained.ids, (Ids{"other-kernel", "not-stripped"}));
  expect_in("INSTALL_MOD_STRIP", explained.text);
}

TEST_F(HashesExplain, AnotherProgram) {
  const std::string kernel = kernel_of(build());
  attach();
  compile("tree", 1, "77");
  const Explained explained = explain(kernel, {"--reference", build()});
  EXPECT_EQ(explained.ids, (Ids{"without-proof", "changed"}));
  expect_in("m1.ko) are other programs than what was hashed: .text differ", explained.text);
  // A reference of another build tells nothing.
  compile("build", 2, "78");
  EXPECT_EQ(explain(kernel, {"--reference", build()}).ids, (Ids{"without-proof", "reference"}));
}

TEST_F(HashesExplain, SignedAfterHashing) {
  const SigningKey key("signer");
  const std::string kernel = kernel_of(build());
  attach();
  write_file(module(0), key.sign(read_file(module(0))));
  write_file(module(1), key.sign(read_file(module(1))));
  Explained explained = explain(kernel);
  EXPECT_EQ(explained.ids, Ids{"signed-after"});
  expect_in("2 modules were signed after they were hashed", explained.text);
  // Not the module that was hashed either.
  compile("tree", 2, "79");
  write_file(module(2), key.sign(read_file(module(2))));
  const std::string list = kernel_of(build(), "list-v3");
  for (int i = 0; i < 2; ++i) write_file(module(i), key.sign(read_file(module(i, "build"))));
  explained = explain(list);
  EXPECT_EQ(explained.ids.front(), "signed-after");
  expect_in("2 modules were signed after", explained.text);
}

TEST_F(HashesExplain, RootsThatAreZero) {
  attach();
  const std::string kernel = link_vmlinux(folder_ / "vmlinux-7.1.0", Bytes(36));
  const Explained explained = explain(kernel);
  EXPECT_EQ(explained.ids, Ids{"placeholder"});
  expect_in("vmlinux.unstripped", explained.text);
  const std::string list = link_vmlinux(folder_ / "vmlinux-7.1.0", Bytes(32 * kModules));
  EXPECT_EQ(explain(list).ids.front(), "placeholder");
}

TEST_F(HashesExplain, ModulesOfAnotherKernel) {
  compile("build", 0, "80");
  const std::string kernel = kernel_of(build());
  attach();
  const Explained explained = explain(kernel);
  EXPECT_EQ(explained.ids, Ids{"other-kernel"});
}

// virtme-ng: modules of the build tree, by links.
TEST_F(HashesExplain, BuildTreesHaveNoProofs) {
  write_file(folder_ / "tree/modules.order",
             der::bytes("kernel/fs/m0.o\nkernel/fs/m1.o\nkernel/fs/m2.o\n"));
  const std::string kernel = kernel_of(build());
  write_config("CONFIG_MODULE_HASHES=y\n");
  const Explained explained =
      explain(kernel, {"--reference", build(), "--format", "merkle-v4", "--cmdline", "quiet"});
  EXPECT_EQ(explained.ids.front(), "build-tree");
  expect_in("modules_install", explained.text);
  EXPECT_EQ(explained.ids[1], "unchanged");
}

// A list, no MODULE_SIG: nothing loads, and nothing is printed.
TEST_F(HashesExplain, ASilentEndOfBoot) {
  const std::string kernel = kernel_of(build(), "list-v3");
  write_config("CONFIG_MODULE_HASHES=y\n");
  strip("--strip-all");
  Explained explained = explain(kernel, {"--cmdline", "quiet"});
  EXPECT_EQ(explained.ids, (Ids{"stripped", "silent"}));
  expect_in("ENOKEY and prints nothing", explained.text);
  // Version 5 has a word for what it rejects.
  const std::string newer = kernel_of(build());
  explained = explain(newer, {"--cmdline", "module.sig_enforce=1"});
  EXPECT_EQ(std::ranges::count(explained.ids, "silent"), 0) << explained.text;
}

TEST_F(HashesExplain, CompressedAsTheKernelCannotRead) {
  const std::string kernel = kernel_of(build());
  attach();
  compile("tree", 1, "81");
  const auto compressed_by = [&](const std::string& config, const Ids& command,
                                 const std::string& suffix) {
    write_config(config);
    Ids whole = command;
    whole.push_back(module(0));
    run_or_fail(whole);
    const Explained explained = explain(kernel, {"--cmdline", "quiet"});
    run_or_fail({suffix == ".xz" ? "unxz" : "unzstd", "-q", module(0) + suffix});
    fs::remove(module(0) + suffix);
    return explained.ids.back() == "compressed" ? explained.text : std::string();
  };
  const std::string xz =
      "CONFIG_MODULE_DECOMPRESS=y\nCONFIG_MODULE_COMPRESS_XZ=y\nCONFIG_MODULE_HASHES=y\n";
  const Ids by_kbuild{"xz", "--check=crc32", "--lzma2=dict=1MiB"};
  EXPECT_EQ(compressed_by(xz, by_kbuild, ".xz"), "");
  // The kernel's own decoder knows no CRC64, which is what xz writes if nobody says otherwise.
  expect_in("features that the kernel's decoder lacks", compressed_by(xz, {"xz"}, ".xz"));
  expect_in("not compressed the way that was compiled in",
            compressed_by(xz, {"zstd", "-q", "--rm"}, ".zst"));
  expect_in("does not decompress modules itself",
            compressed_by("CONFIG_MODULE_HASHES=y\n", by_kbuild, ".xz"));
}

}  // namespace
}  // namespace assay
