// assay inspect --digest and --manifest: what signing does not change. Digests are made here by
// coreutils, signatures by OpenSSL and sbsign.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "tests/cli/kernel_sample.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

class Manifest : public testing::Test {
 protected:
  void SetUp() override {
    image_ = read_file("tests/cases/pe/artifacts/unsigned.efi");
    write_tree("bare", nullptr);
    write_tree("signed", &key_);
  }

  void write_tree(const std::string& tree, const SigningKey* key) {
    const auto xz = [](const Bytes& bytes) {
      return run_command({"xz", "--check=crc32", "-c"}, bytes).out;
    };
    const Bytes module = key == nullptr ? module_ : key->sign(module_);
    write(tree + "/lib/m.ko", module);
    write(tree + "/lib/n.ko.xz", xz(module));
    write(tree + "/boot/vmlinuz", image_);
    if (key != nullptr) {
      const std::string path = folder_ / (tree + "/boot/vmlinuz");
      run_or_fail({"sbsign", "--key", key->key(), "--cert", key->pem(), "--output", path, path});
    }
    write(tree + "/etc/text", {'a'});
  }
  void write(const std::string& name, const Bytes& bytes) {
    write_file(folder_ / name, bytes);
    ::chmod((folder_ / name).c_str(), 0644);
  }
  std::string digest_of(const std::string& name) {
    const Ran ran = run_assay({"inspect", "--digest", folder_ / name});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.error;
    EXPECT_EQ(ran.out.substr(64), "  " + (folder_ / name) + "\n");
    return ran.out.substr(0, 64);
  }
  static std::string sha256(const Bytes& bytes) {
    const Bytes out = run_command({"sha256sum"}, bytes).out;
    return {out.begin(), out.begin() + 64};
  }

  TemporaryFolder folder_;
  SigningKey key_{"release key"};
  Bytes module_ = ElfSample(true, false).write();
  Bytes image_;
};

TEST_F(Manifest, SigningChangesNothing) {
  EXPECT_EQ(digest_of("signed"), digest_of("bare"));
  EXPECT_EQ(digest_of("signed/lib/m.ko"), digest_of("bare/lib/m.ko"));
  EXPECT_EQ(digest_of("signed/boot/vmlinuz"), digest_of("bare/boot/vmlinuz"));
  for (const std::string tree : {"bare", "signed"}) {
    write(tree + "/DEBIAN/control", {});
    std::ofstream(folder_ / (tree + "/DEBIAN/control"))
        << "Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n";
    run_or_fail(
        {"dpkg-deb", "--root-owner-group", "-b", folder_ / tree, folder_ / (tree + ".deb")});
  }
  EXPECT_EQ(digest_of("signed.deb"), digest_of("bare.deb"));
}

TEST_F(Manifest, LinesAreThoseThatTheDigestIsOf) {
  const Ran ran = run_assay({"inspect", "--manifest", folder_ / "signed"});
  EXPECT_EQ(ran.status, 0) << ran.error;
  EXPECT_EQ(sha256({ran.out.begin(), ran.out.end()}), digest_of("signed"));
  const std::string size = std::to_string(module_.size());
  const std::string line = sha256(module_) + " " + size + " 0644 ";
  EXPECT_NE(ran.out.find("\n" + line + "lib/m.ko\n" + line + "lib/n.ko.xz\n"), std::string::npos)
      << ran.out;
  EXPECT_NE(ran.out.find("\n" + sha256({'a'}) + " 1 0644 etc/text\n"), std::string::npos);
}

TEST_F(Manifest, EverythingElseChangesIt) {
  const std::string before = digest_of("signed");
  const auto changes = [&](const char* what, const std::function<void()>& change) {
    fs::remove_all(folder_ / "signed");
    write_tree("signed", &key_);
    EXPECT_EQ(digest_of("signed"), before);
    change();
    EXPECT_NE(digest_of("signed"), before) << what;
  };
  changes("a byte of a module", [&] {
    Bytes other = module_;
    other.back() ^= 1;
    write("signed/lib/m.ko", key_.sign(other));
  });
  changes("a byte of an image", [&] {
    Bytes other = image_;
    other[2] ^= 1;  // in the DOS header
    write("signed/boot/vmlinuz", other);
  });
  changes("a mode", [&] { ::chmod((folder_ / "signed/etc/text").c_str(), 0600); });
  changes("a path", [&] { fs::rename(folder_ / "signed/etc/text", folder_ / "signed/etc/texts"); });
  changes("a file more", [&] { write("signed/etc/more", {}); });
  changes("a link", [&] { fs::create_symlink("text", folder_ / "signed/etc/link"); });
}

TEST_F(Manifest, JsonNamesTheRecords) {
  const Ran ran = run_assay({"inspect", "--digest", "--json", folder_ / "signed"});
  const Json manifest = ran.summary();
  EXPECT_EQ(manifest["schema"], "assay.manifest/1") << ran.out;
  EXPECT_EQ(manifest["sha256"], digest_of("bare"));
  std::map<std::string, Json> records;
  for (const Json& entry : manifest["entries"]) records[entry["path"]] = entry["records"];
  EXPECT_EQ(records["lib/m.ko"], Json({"appended signature"}));
  EXPECT_EQ(records["boot/vmlinuz"], Json({"certificate table"}));
  EXPECT_EQ(records["etc/text"], Json::array());
}

TEST_F(Manifest, WhatCannotBeReadHasNoDigest) {
  write("signed/lib/n.ko.xz", {0xfd, '7', 'z', 'X', 'Z', 0, 1, 2});
  const Ran ran = run_assay({"inspect", "--digest", folder_ / "signed"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.error.find("n.ko.xz"), std::string::npos) << ran.error;
  fs::create_directory(folder_ / "empty");
  EXPECT_EQ(run_assay({"inspect", "--digest", folder_ / "empty"}).status, 2);
  EXPECT_EQ(run_assay({"inspect", "--manifest", folder_ / "bare", folder_ / "signed"}).status, 2);
}

}  // namespace
}  // namespace assay
