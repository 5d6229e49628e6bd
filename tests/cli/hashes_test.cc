// assay hashes: lists and trees over module trees, proofs put behind modules, and what is said
// where nothing loads.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/hex.h"
#include "crypto/hash.h"
#include "testing/der.h"
#include "testing/package_sample.h"
#include "tests/cli/run_assay.h"
#include "tests/cli/vmlinux_sample.h"

namespace assay {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Ids = std::vector<std::string>;
namespace fs = std::filesystem;

// Made by hand from the definition of the tree: five modules "module 0\n" to "module 4\n".
constexpr const char* kRoot = "17da356aab3b86ba51f9215babd09a4eb4b0e7815a3c6da67374d24dc56f40dd";
constexpr const char* kFirstProved =
    "59aca24fdebf5a00a8e873bcd15261a2961cccd5ffdbd9bd17e2bbd864b5a495";
constexpr const char* kLastProved =
    "c14fa16e500fd3f7f6d4e5e0f231ab9c613b40786fc6389aeda2acbb9d1e6be9";
constexpr int kModules = 5;
// SHA-256 of each.
constexpr const char* kRows[kModules] = {
    "9095bc03ca20c21568ae782ac51dcfae83c7d1edc93635659f9c30a3a9951114",
    "78f057c1a0786975c2efbdb7a38db08ab08df6be8f0821b1354208ac83d362cb",
    "3b7cbf8e1859b679595dd5d4a076739ed38b82e401e0cb513a54fc3e2f127296",
    "72f792046cd0248add050e365eb16eb3268f880f31c7a97466a548698b41932a",
    "6fdcc08b639dd117aa61c0b2fb7a9a7277f93bc3f111c10aeda5eed7e52a759b"};

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
  for (unsigned i = 0; i < kModules; ++i)
    EXPECT_EQ(to_hex(std::span(list).subspan(32U * i, 32)), kRows[i]);
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

// Kernels refuse such a block before they look at the proof, which is the right one here.
TEST_F(Hashes, ProofsBehindABlockThatKernelsRefuseAreNotKnown) {
  attach();
  const Bytes good = read_file(module(0));
  const std::size_t block = good.size() - 40;
  for (const std::size_t field : {0, 1, 3, 4, 5, 6, 7}) {
    Bytes bad = good;
    bad[block + field] = 1;
    write_file(module(0), bad);
    const Ran ran = verify_root(module(0));
    EXPECT_EQ(ran.status, 1) << field << ran.out;
    EXPECT_NE(ran.out.find("EBADMSG"), std::string::npos) << ran.out;
    const Ran why =
        run_assay({"hashes", "explain", "--json", "--root", kRoot, "--levels", "3", module(0)});
    EXPECT_NE(why.out.find("\"malformed\""), std::string::npos) << why.out;
  }
}

TEST_F(Hashes, WhatGetsNoProofIsNamed) {
  write_file(folder_ / "tree/kernel/new.ko", content(9));
  const Ran ran = run_assay({"hashes", "attach", "--in-place", tree()});
  EXPECT_EQ(ran.status, 0) << ran.error;
  EXPECT_NE(ran.error.find("new.ko: not in modules.order"), std::string::npos) << ran.error;
  write_order("");
  for (const char* action : {"build", "attach"}) {
    std::vector<std::string> command{"hashes", action, tree()};
    if (action == std::string("attach")) command.insert(command.end(), {"-o", folder_ / "out"});
    const Ran empty = run_assay(command);
    EXPECT_EQ(empty.status, 2) << empty.out;
    EXPECT_NE(empty.error.find("modules.order is empty"), std::string::npos) << empty.error;
  }
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

// However a module is compressed after its proof was attached, and compressed again.
TEST_F(Hashes, CompressingAfterwardsChangesNothing) {
  attach();
  const std::vector<Ids> rounds[] = {
      {{"xz", "-0", "--check=crc32"}, {"unxz"}, {"xz", "-9", "--check=none"}},
      {{"gzip", "-1"}, {"gunzip"}, {"gzip", "-9"}},
      {{"zstd", "-q", "--rm", "-1"}, {"unzstd", "-q", "--rm"}, {"zstd", "-q", "--rm", "-19"}}};
  const std::string suffixes[] = {".xz", ".gz", ".zst"};
  for (int i = 0; i < 3; ++i) {
    bool is_packed = false;
    for (Ids command : rounds[i]) {
      command.push_back(module(i) + (is_packed ? suffixes[i] : ""));
      ASSERT_EQ(run_command(command).status, 0) << command[0];
      is_packed = !is_packed;
      EXPECT_EQ(verify_root(tree()).status, 0) << command[0] << suffixes[i];
    }
  }
}

TEST_F(Hashes, NamesWithDots) {
  fs::rename(module(1), folder_ / "tree/kernel/fs.d/m1.v2.ko");
  write_order("fs.d/m0.o\nfs.d/m1.v2.o\nfs.d/m2.o\nfs.d/m3.o\nfs.d/m4.o\n");
  EXPECT_EQ(run_assay({"hashes", "build", "--json", tree()}).lines().front()["root"], kRoot);
}

TEST_F(Hashes, PartOfTheModulesIsVerifiedButMakesNoTree) {
  attach();
  fs::remove(module(1));
  fs::remove(module(3));
  EXPECT_EQ(verify_root(tree()).status, 0);
  const Ran ran = run_assay({"hashes", "build", tree()});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.error.find("2 of 5 modules of modules.order are not there, at positions 1, 3: "
                           "kernel/fs.d/m1, kernel/fs.d/m3"),
            std::string::npos)
      << ran.error;
}

TEST_F(Hashes, OrdersThatAreNoneAreRefused) {
  const std::pair<std::string, std::string> cases[] = {
      {"a.ko\r\n", "carriage return"},  {"a.ko\nb.ko", "line 2"}, {"a.c\n", "neither with .o"},
      {"a.ko\na.ko\n", "listed twice"}, {".ko\n", "no name"},     {"a/.ko\n", "no name"}};
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
  // A kernel of the other byte order, as on s390; proofs are the same in both.
  const Bytes big = *from_hex(std::string("00000003") + kRoot);
  std::ranges::copy(big, flat.end() - static_cast<std::ptrdiff_t>(big.size()));
  write_file(folder_ / "flat", flat);
  EXPECT_EQ(verify({"--kernel", folder_ / "flat", tree()}).status, 0);
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

// The root of the image counts where the platform names none; the configuration tells the version.
TEST_F(Hashes, PlatformsReadTheRootFromTheirImage) {
  attach();
  Bytes changed = read_file(module(2));
  changed[0] ^= 1;
  write_file(module(1), changed);
  kernel_with(*from_hex(std::string("03000000") + kRoot));
  const auto judge = [&](const std::string& config, const std::string& section, int i) {
    write_file(folder_ / "p.toml",
               der::bytes("schema = 1\n[kernel]\nversion = \"7.2\"\narch = \"x86_64\"\n"
                          "variant = \"mainline\"\ncmdline = \"quiet\"\nimage = \"vmlinux\"\n"
                          "config = { CONFIG_MODULES = \"y\", CONFIG_MODULE_HASHES = \"y\"" +
                          config +
                          " }\n[state]\nsig_enforce = true\nlockdown = \"none\"\n"
                          "modules_disabled = false\n[ima]\npolicy = []\n" +
                          section));
    return run_assay({"judge", "module", "--json", "--platform", folder_ / "p.toml", module(i)});
  };
  const std::string v5 = ", CONFIG_MODULE_AUTH = \"y\"";
  const std::string v4 = ", CONFIG_MODULE_SIG_POLICY = \"y\"";
  // The proof holds; then the file turns out to be no ELF file.
  EXPECT_EQ(judge(v5, "", 2).lines().front()["deciding_rule"], "module-load/elf-header");
  EXPECT_EQ(judge(v5, "", 1).lines().front()["deciding_rule"], "module-hashes-v5/not-enforced");
  // Forgiven, though signatures are enforced.
  EXPECT_EQ(judge(v4, "", 1).lines().front()["deciding_rule"], "module-load/elf-header");
  EXPECT_EQ(judge("", "", 1).lines().front()["decision"], "undetermined");
  EXPECT_EQ(judge("", "[module_hashes]\nformat = \"merkle-v5\"\n", 1).lines().front()["errno"],
            "EKEYREJECTED");
  const Ran list = judge("", "[module_hashes]\nformat = \"list-v3\"\n", 1);
  EXPECT_EQ(list.status, 2);
  EXPECT_NE(list.error.find("the image has the root of a tree"), std::string::npos) << list.error;
  // What the file says comes first.
  EXPECT_EQ(judge("",
                  "[module_hashes]\nformat = \"merkle-v5\"\nlevels = 2\nroot = \"" +
                      std::string(64, 'a') + "\"\n",
                  2)
                .lines()
                .front()["deciding_rule"],
            "module-hashes-v5/not-enforced");
  // Rows are those of a list.
  kernel_with(*from_hex(sha256(read_file(module(1)))));
  EXPECT_EQ(judge("", "", 1).lines().front()["deciding_rule"], "module-load/elf-header");
  EXPECT_EQ(judge("", "", 2).lines().front()["errno"], "ENOKEY");
}

// A bzImage of a package, beside its configuration.
TEST_F(Hashes, PackagesBringTheRootOfTheirKernel) {
  attach();
  Bytes changed = read_file(module(1));
  changed[0] ^= 1;
  const auto text = [](const Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); };
  const auto in_file = [&](const std::string& section) {
    return text(bzimage_of(link_vmlinux(folder_ / "kernel", *from_hex(section), "7.2.0"), "7.2.0"));
  };
  const std::string root = std::string("03000000") + kRoot;
  const std::string hashed = "CONFIG_X86_64=y\nCONFIG_MODULES=y\nCONFIG_MODULE_HASHES=y\n";
  const auto package = [&](const std::string& image, const std::string& config,
                           bool config_first = true) {
    const std::string entries[] = {tar_entry("./boot/config-7.2.0", config),
                                   tar_entry("./boot/vmlinuz-7.2.0", image)};
    write_file(folder_ / "p.deb",
               der::bytes(deb_package(
                   entries[config_first ? 0 : 1] + entries[config_first ? 1 : 0] +
                   tar_entry("./lib/modules/7.2.0/m1.ko", text(changed)) +
                   tar_entry("./lib/modules/7.2.0/m2.ko", text(read_file(module(2)))))));
    std::map<std::string, Json> verdicts;
    for (const Json& line :
         run_assay({"judge", "module", "--json", "--platform", "package", "--cmdline",
                    "module.sig_enforce=1 lockdown=none", folder_ / "p.deb"})
             .lines())
      if (line.contains("path")) verdicts[fs::path(line["path"].get<std::string>()).stem()] = line;
    return verdicts;
  };
  const std::string v5 = hashed + "CONFIG_MODULE_AUTH=y\n";
  for (const bool config_first : {true, false}) {
    auto verdicts = package(in_file(root), v5, config_first);
    // The proof holds; then the file turns out to be no ELF file.
    EXPECT_EQ(verdicts["m2"]["deciding_rule"], "module-load/elf-header") << verdicts["m2"];
    // The root is another; whether that counts, the package does not say.
    EXPECT_EQ(verdicts["m1"]["open"], Json({"state.sig_enforce"})) << verdicts["m1"];
    EXPECT_EQ(verdicts["m1"]["refused_with"].back(), "EKEYREJECTED") << verdicts["m1"];
  }
  auto list = package(in_file(kRows[2]), hashed);
  EXPECT_NE(list["m1"]["decision"], "allowed");
  const Ran captured =
      run_assay({"platform", "capture", "-o", folder_ / "list.toml", folder_ / "p.deb"});
  EXPECT_EQ(captured.status, 0) << captured.error;
  EXPECT_NE(text(read_file(folder_ / "list.toml")).find("format = 'list-v3'"), std::string::npos)
      << text(read_file(folder_ / "list.toml"));
  // Which version of the series the kernel has, its configuration does not say.
  EXPECT_EQ(package(in_file(root), hashed)["m1"]["decision"], "undetermined");
  // The same kernel where it is installed and runs.
  const std::string host = folder_ / "host/";
  write_file(host + "proc/sys/kernel/osrelease", der::bytes("7.2.0\n"));
  write_file(host + "proc/sys/kernel/arch", der::bytes("x86_64\n"));
  write_file(host + "boot/config-7.2.0", der::bytes(v5));
  write_file(host + "boot/vmlinuz-7.2.0", der::bytes(in_file(root)));
  ASSERT_NE(run_assay({"platform", "capture", "-o", folder_ / "host.toml", "--root", host, "host"})
                .status,
            1);
  const std::string written = text(read_file(folder_ / "host.toml"));
  EXPECT_NE(written.find("format = 'merkle-v5'"), std::string::npos) << written;
  EXPECT_NE(written.find(kRoot), std::string::npos) << written;
  fs::remove(host + "boot/vmlinuz-7.2.0");
  EXPECT_NE(run_assay({"platform", "capture", "-o", folder_ / "host.toml", "--root", host, "host"})
                .error.find("which modules the kernel was built with is not known"),
            std::string::npos);
}

// Position 0 of five, from the definition.
const Ids kFirstProof = {"086f28117038ae752fa60d56bd2ce3dbfbcc1c11740467584fd052124caeb5bc",
                         "d255cf6b4ccbdf1d124f7e5681d305310d97bbf347afb7e78b258a2988dc1baa",
                         "f61eca38c6840796369c5f72f8d86984ac3cc9fa1654ba99426933be22cfb6c3"};

TEST_F(Hashes, EachProofByItself) {
  const Ran ran =
      run_assay({"hashes", "build", "--json", "--each", "--proofs", folder_ / "proofs", tree()});
  ASSERT_EQ(ran.status, 0) << ran.error;
  ASSERT_EQ(ran.lines().size(), 1U + kModules);
  const Json first = ran.lines()[1];
  EXPECT_EQ(first["schema"], "assay.module-proof/1");
  EXPECT_EQ(first["position"], 0);
  EXPECT_EQ(first["name"], "kernel/fs.d/m0");
  EXPECT_EQ(first["leaf"], "acf475507393f89fde035fccb18adfbd48d8ffdd31d94868b4ec81adce8e34bc");
  EXPECT_EQ(first["proof"], Json(kFirstProof));
  // What the tool of the series calls NAME.merkle: put behind the module, that is all.
  Bytes proved = content(0);
  const Bytes behind = read_file(folder_ / "proofs/kernel/fs.d/m0.merkle");
  proved.insert(proved.end(), behind.begin(), behind.end());
  EXPECT_EQ(sha256(proved), kFirstProved);
  const Ran rows =
      run_assay({"hashes", "build", "--json", "--each", "--format", "list-v3", tree()});
  EXPECT_EQ(rows.lines()[3]["sha256"], sha256(content(2)));
}

TEST_F(Hashes, AProofIsAttachedWhereItLeadsToTheKernelsRoot) {
  ASSERT_EQ(run_assay({"hashes", "build", "--proofs", folder_ / "proofs", tree()}).status, 0);
  const std::string kernel = kernel_with(*from_hex(std::string("03000000") + kRoot));
  std::string raw = "00000000";
  for (const std::string& hash : kFirstProof) raw += hash;
  write_file(folder_ / "raw", *from_hex(raw));
  for (const std::string& proof : {folder_ / "raw", folder_ / "proofs/kernel/fs.d/m0.merkle"}) {
    const auto attach_to = [&](int i, const Ids& more) {
      Ids command{"attach", "--signature", proof, "-o", folder_ / "out.ko", module(i)};
      command.insert(command.end(), more.begin(), more.end());
      fs::remove(folder_ / "out.ko");
      return run_assay(command);
    };
    const Ran ran = attach_to(0, {"--kernel", kernel});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
    EXPECT_EQ(sha256(read_file(folder_ / "out.ko")), kFirstProved);
    // Of another module, or for nobody's kernel.
    EXPECT_EQ(attach_to(1, {"--kernel", kernel}).status, 1);
    EXPECT_FALSE(fs::exists(folder_ / "out.ko"));
    const Ran unbound = attach_to(0, {});
    EXPECT_EQ(unbound.status, 1);
    EXPECT_NE(unbound.out.find("--kernel says whose"), std::string::npos) << unbound.out;
    EXPECT_EQ(attach_to(0, {"--unverified"}).status, 0);
    EXPECT_EQ(sha256(read_file(folder_ / "out.ko")), kFirstProved);
  }
  // A file with a proof is refused, as one that is signed.
  attach();
  const Ids command{"attach", "--signature", folder_ / "raw", "--kernel",
                    kernel,   "--in-place",  module(0)};
  EXPECT_EQ(run_assay(command).status, 1);
  Ids replacing = command;
  replacing.emplace_back("--replace");
  EXPECT_EQ(run_assay(replacing).status, 0);
  EXPECT_EQ(sha256(read_file(module(0))), kFirstProved);
}

// Two thirds of a package that was split: each proof stands alone, a tree names what it lacks.
TEST_F(Hashes, ASplitPackageNamesThePositionsThatItLacks) {
  attach();
  for (const int i : {0, 2, 3}) fs::remove(module(i));
  EXPECT_EQ(verify_root(tree()).status, 0);
  const Ran ran = run_assay({"hashes", "build", tree()});
  EXPECT_NE(ran.error.find("3 of 5 modules of modules.order are not there, at positions 0, 2-3:"),
            std::string::npos)
      << ran.error;
}

}  // namespace
}  // namespace assay
