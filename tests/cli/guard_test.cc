// assay guard without a kernel: lists and overlays made, signed and looked at.

#include <algorithm>
#include <set>

#include "base/hex.h"
#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

// As coreutils have it.
std::string sha256sum(const std::string& path) {
  const Finished finished = run_command({"sha256sum", path});
  EXPECT_EQ(finished.status, 0) << finished.error;
  return std::string(finished.out.begin(), finished.out.end()).substr(0, 64);
}

class GuardLists : public testing::Test {
 protected:
  static void SetUpTestSuite() { key_ = new SigningKey("builder"); }
  static void TearDownTestSuite() { delete key_; }

  std::string put(const std::string& name, const Bytes& bytes) {
    write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  static Bytes module(int i) { return sample_module("6.1.0-" + std::to_string(i)); }
  // lib/modules/6.1.0/kernel with three modules; what they are is up to `form`.
  template <class Form>
  std::string tree(const std::string& name, Form form) {
    for (int i = 0; i < 3; ++i)
      put(name + "/lib/modules/6.1.0/kernel/m" + std::to_string(i) + ".ko", form(module(i)));
    return folder_ / name;
  }
  std::string unsigned_tree() {
    return tree("unsigned", [](const Bytes& bytes) { return bytes; });
  }

  Ran list(std::vector<std::string> more) {
    more.insert(more.begin(), {"guard", "list", "--name", "own"});
    return run_assay(std::move(more));
  }
  std::string text_of(const Ran& ran) {
    EXPECT_EQ(ran.status, 0) << ran.error;
    return ran.out;
  }
  static std::set<std::string> digests_of(const std::string& text) {
    std::set<std::string> digests;
    for (std::size_t at = text.find('\n') + 1; at < text.size(); at = text.find('\n', at) + 1)
      digests.insert(text.substr(at, 64));
    return digests;
  }

  static SigningKey* key_;
  TemporaryFolder folder_;
};
SigningKey* GuardLists::key_ = nullptr;

TEST_F(GuardLists, SignedAndUnsignedModulesAreOneListAndCompressedOnesToo) {
  const std::string bare = unsigned_tree();
  const std::string text = text_of(list({bare}));
  std::set<std::string> wanted;
  for (int i = 0; i < 3; ++i)
    wanted.insert(sha256sum(bare + "/lib/modules/6.1.0/kernel/m" + std::to_string(i) + ".ko"));
  EXPECT_EQ(digests_of(text), wanted);
  EXPECT_EQ(text_of(list({tree("signed", [](const Bytes& bytes) { return key_->sign(bytes); })})),
            text);
  const std::string packed = tree("packed", [](const Bytes& bytes) { return key_->sign(bytes); });
  run_or_fail({"sh", "-c", "xz -z --check=crc32 " + packed + "/lib/modules/6.1.0/kernel/*.ko"});
  EXPECT_EQ(digests_of(text_of(list({packed}))), wanted);
  // Stored as they are, too: that is what 6.1 hands over with flag 4.
  auto both = wanted;
  for (int i = 0; i < 3; ++i)
    both.insert(sha256sum(packed + "/lib/modules/6.1.0/kernel/m" + std::to_string(i) + ".ko.xz"));
  const std::string compressed = text_of(list({"--compressed", packed}));
  EXPECT_EQ(digests_of(compressed), both);
  EXPECT_NE(compressed.find(" module,module-compressed - - lib/modules/"), std::string::npos);
  EXPECT_NE(digests_of(text_of(list({"--mode", "whole", folder_ / "signed"}))), wanted);
}

TEST_F(GuardLists, TheOrderOfInputsMakesNoDifference) {
  const std::string a = put("a.ko", module(1));
  const std::string b = put("b.ko", module(2));
  EXPECT_EQ(text_of(list({a, b})), text_of(list({b, a, b})));
}

TEST_F(GuardLists, OriginsAreThoseOfTheMachineThatItIsFor) {
  const std::string file = put("build/fs/e/e.ko", module(1));
  EXPECT_NE(text_of(list({folder_ / "build"})).find(" module - - fs/e/e.ko\n"), std::string::npos);
  EXPECT_NE(text_of(list({file})).find(" module - - e.ko\n"), std::string::npos);
  const std::string installed = unsigned_tree();
  EXPECT_EQ(text_of(list({installed})), text_of(list({installed + "/lib/modules/6.1.0/kernel"})));
  run_or_fail({"tar", "-C", installed, "-cf", folder_ / "t.tar", "."});
  EXPECT_EQ(text_of(list({installed})), text_of(list({folder_ / "t.tar"})));
}

TEST_F(GuardLists, ClassesAreToldByWhatFilesAre) {
  const std::string kernel = put("boot/vmlinuz-6.1.0", sample_image("6.1.0", key_->der()));
  // What is no module is hashed whole, its signature with it.
  put("root/lib/firmware/a.bin", key_->sign(module(7)));
  put("notes.txt", module(8));
  run_or_fail({"sh", "-c",
               "cd " + std::string(folder_ / "root") +
                   " && echo lib | cpio -o -H newc --quiet > ../boot/initrd.img"});
  const std::string all = folder_.path().string();
  const std::string text =
      text_of(list({"--classes", "firmware,module,kexec-image,kexec-initramfs", all}));
  EXPECT_NE(text.find(sha256sum(kernel) + " kexec-image - - boot/vmlinuz-6.1.0\n"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find(sha256sum(folder_ / "boot/initrd.img") + " kexec-initramfs - - boot/initrd.img\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find(sha256sum(folder_ / "root/lib/firmware/a.bin") +
                      " firmware - - lib/firmware/a.bin\n"),
            std::string::npos);
  EXPECT_EQ(digests_of(text).size(), 3U) << text;
  const Ran none = list({all});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.error.find("nothing to list"), std::string::npos) << none.error;
}

TEST_F(GuardLists, WhatCannotBeReadMakesNoList) {
  unsigned_tree();
  put("unsigned/lib/modules/6.1.0/kernel/torn.ko.xz", {0xFD, '7', 'z', 'X', 'Z', 0, 0, 1});
  const Ran ran = list({"-o", folder_ / "own.list", folder_ / "unsigned"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_NE(ran.error.find("torn.ko.xz"), std::string::npos) << ran.error;
  EXPECT_FALSE(fs::exists(folder_ / "own.list"));
}

TEST_F(GuardLists, FromAnOrderWithItsRoot) {
  const std::string bare = unsigned_tree();
  put("order", {});
  std::string order = "kernel/m0.ko\nkernel/m2.ko\n";
  put("unsigned/lib/modules/6.1.0/modules.order", Bytes(order.begin(), order.end()));
  const std::string file = bare + "/lib/modules/6.1.0/modules.order";
  EXPECT_EQ(digests_of(text_of(list({"--order", file, bare}))).size(), 2U);
  // By the definition of the tree: two leaves, SHA-256 of 01, the position, the module.
  const Finished root = run_command(
      {"python3", "-c",
       "import hashlib,sys\nd=lambda b:hashlib.sha256(b).digest()\n"
       "l=[d(b'\\1'+i.to_bytes(4,'big')+open(p,'rb').read()) for i,p in enumerate(sys.argv[1:])]\n"
       "print(d(b'\\2'+l[0]+l[1]).hex(),end='')",
       bare + "/lib/modules/6.1.0/kernel/m0.ko", bare + "/lib/modules/6.1.0/kernel/m2.ko"});
  const std::string hash(root.out.begin(), root.out.end());
  EXPECT_EQ(
      digests_of(text_of(list({"--order", file, "--root", hash, "--levels", "1", bare}))).size(),
      2U);
  const Ran other = list({"--order", file, "--root", std::string(64, '0'), "--levels", "1", bare});
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.error.find("lead to root " + hash), std::string::npos) << other.error;
  fs::remove(bare + "/lib/modules/6.1.0/kernel/m2.ko");
  EXPECT_NE(list({"--order", file, bare}).error.find("m2"), std::string::npos);
}

TEST_F(GuardLists, FromRecordsAndHashLists) {
  const std::string signed_tree =
      tree("signed", [](const Bytes& bytes) { return key_->sign(bytes); });
  const std::string text = text_of(list({signed_tree}));
  ASSERT_EQ(
      run_assay({"excise", "--in-place", "--records", folder_ / "records", signed_tree}).status, 0);
  EXPECT_EQ(digests_of(text_of(list({"--records", folder_ / "records"}))), digests_of(text));
  Bytes rows;
  for (const std::string& digest : digests_of(text)) {
    const auto bytes = from_hex(digest);
    ASSERT_TRUE(bytes.has_value());
    rows.insert(rows.end(), bytes->begin(), bytes->end());
  }
  EXPECT_EQ(digests_of(text_of(list({"--hash-list", put("rows", rows)}))), digests_of(text));
}

TEST_F(GuardLists, SignedListsAreVerifiedAsEveryOtherFile) {
  const std::string file = folder_ / "own.list";
  EXPECT_EQ(
      list({"-q", "-o", file, "--key", key_->key(), "--cert", key_->pem(), unsigned_tree()}).status,
      0);
  EXPECT_EQ(run_assay({"verify", "--trust", key_->certificate(), file}).status, 0);
  Bytes bytes = read_file(file);
  bytes[100] ^= 1;
  put("own.list", bytes);
  EXPECT_EQ(run_assay({"verify", "--trust", key_->certificate(), file}).status, 1);
}

TEST_F(GuardLists, OverlaysAreWhatTheKernelVerifies) {
  const std::string bare = unsigned_tree();
  const std::string own = folder_ / "own.list";
  ASSERT_EQ(list({"-q", "-o", own, bare}).status, 0);
  const std::string rebuilt = put("rebuilt.ko", key_->sign(module(9)));
  const std::string overlay = folder_ / "own.overlay";
  const std::vector<std::string> sign = {"guard", "overlay",   "sign",   "-q",        "--for",
                                         own,     "--serial",  "5",      "-o",        overlay,
                                         "--key", key_->key(), "--cert", key_->pem(), rebuilt};
  const Ran made = run_assay(sign);
  ASSERT_EQ(made.status, 0) << made.error;
  // The parts as the page has them, checked by openssl.
  const Bytes file = read_file(overlay);
  constexpr std::size_t kData = 88 + 40;
  EXPECT_EQ(std::string(file.begin(), file.begin() + 8), "ASSAYOVL");
  EXPECT_EQ(file[16], 5);
  EXPECT_EQ(std::string(file.begin() + 24, file.begin() + 28), std::string("own\0", 4));
  EXPECT_EQ(to_hex(std::span(file).subspan(88, 32)), sha256sum(put("body", module(9))));
  const std::string data = put("data", Bytes(file.begin(), file.begin() + kData));
  const std::string message = put("message", Bytes(file.begin() + kData, file.end() - 40));
  run_or_fail({"openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", message, "-content",
               data, "-certfile", key_->pem(), "-noverify", "-out", folder_ / "out"});

  const Ran good =
      run_assay({"guard", "overlay", "verify", "--json", "--trust", key_->certificate(), overlay});
  EXPECT_EQ(good.status, 0) << good.error;
  EXPECT_EQ(good.lines().front()["standing"], "verified");
  EXPECT_EQ(good.lines().front()["list"], "own");
  const SigningKey stranger("stranger");
  const Ran other =
      run_assay({"guard", "overlay", "verify", "--trust", stranger.certificate(), overlay});
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.out.find("untrusted"), std::string::npos) << other.out;
  const Ran shown = run_assay({"guard", "overlay", "show", overlay});
  EXPECT_NE(shown.out.find("1 digests for list own, serial 5"), std::string::npos) << shown.out;
  Bytes torn = file;
  torn[90] ^= 1;
  put("own.overlay", torn);
  EXPECT_EQ(
      run_assay({"guard", "overlay", "verify", "--trust", key_->certificate(), overlay}).status, 1);
  put("own.overlay", Bytes(file.begin(), file.begin() + kData - 1));
  const Ran cut = run_assay({"guard", "overlay", "show", overlay});
  EXPECT_EQ(cut.status, 2);
  EXPECT_NE(cut.error.find("the data ends before"), std::string::npos) << cut.error;
}

TEST_F(GuardLists, WhatIsMissingIsNamed) {
  EXPECT_NE(run_assay({"guard"}).error.find("COMMAND is missing"), std::string::npos);
  EXPECT_NE(run_assay({"guard", "list", "x"}).error.find("--name is missing"), std::string::npos);
  EXPECT_NE(run_assay({"guard", "list", "--bogus", "x"}).error.find("unknown option --bogus"),
            std::string::npos);
  EXPECT_NE(run_assay({"guard", "overlay", "sign", "x"}).error.find("-o is missing"),
            std::string::npos);
  EXPECT_NE(run_assay({"guard", "list", "--help"}).out.find("Usage: assay guard list"),
            std::string::npos);
}

}  // namespace
}  // namespace assay
