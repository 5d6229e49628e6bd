#include "sources/iso_tree.h"

#include <gtest/gtest.h>

#include <fstream>

#include "sources/test_visitor.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Inside = std::map<std::string, std::string>;

class IsoTest : public testing::Test {
 protected:
  void SetUp() override {
    run("mkdir -p t/a/b/c/d/e/f/g/h/i t/boot; printf deep > t/a/b/c/d/e/f/g/h/i/deep.ko; "
        "printf long > \"t/$(printf 'n%.0s' $(seq 240)).txt\"; printf '' > t/empty; "
        "printf kernel > t/boot/vmlinuz; ln -s boot/vmlinuz t/vmlinuz.ko; chmod 751 t/empty");
  }
  void run(const std::string& script) {
    const Finished done = run_command(
        {"sh", "-ec",
         "cd '" + folder_.path().string() + "'; export PATH=$PATH:/sbin:/usr/sbin; " + script});
    ASSERT_EQ(done.status, 0) << script << done.error;
  }
  void xorriso(const std::string& options) {
    run("rm -f i; xorriso -as mkisofs -quiet -o i " + options +
        " t 2>log || { cat log >&2; false; }");
  }
  Inside expected() const {
    return {{image_ + "!a/b/c/d/e/f/g/h/i/deep.ko", "deep"},
            {image_ + "!" + std::string(240, 'n') + ".txt", "long"},
            {image_ + "!empty", ""},
            {image_ + "!boot/vmlinuz", "kernel"},
            {image_ + "!vmlinuz.ko", "kernel"}};
  }
  TemporaryFolder folder_;
  const std::string image_ = folder_ / "i";
};

TEST_F(IsoTest, FilesOfRockRidgeAreThere) {
  xorriso("-R");
  const TestVisitor walked = walk_path(image_);
  EXPECT_EQ(walked.inside(), expected());
  EXPECT_TRUE(walked.failures.empty());
  EXPECT_EQ(walked.attributes.at(image_ + "!empty").mode, 0100751);
}

// Folders deeper than ISO 9660 has are stored elsewhere, and led to.
TEST_F(IsoTest, FoldersThatLieElsewhereAreWhereTheyBelong) {
  run("xorriso -compliance deep_paths_off -outdev i -volid x -rockridge on -map t / 2>log");
  EXPECT_EQ(walk_path(image_).inside(), expected());
}

TEST_F(IsoTest, NamesWithoutRockRidgeHaveNoVersion) {
  run("rm -r t/a t/n* t/vmlinuz.ko; xorriso -as mkisofs --norock -quiet -o i t 2>log");
  EXPECT_EQ(walk_path(image_).inside(),
            (Inside{{image_ + "!BOOT/VMLINUZ", "kernel"}, {image_ + "!EMPTY", ""}}));
}

// Values longer than one field and one continuation area has.
TEST_F(IsoTest, ExtendedAttributesOfAaipAreRead) {
  run("xorriso -xattr any -outdev i -map t / -setfattr security.ima $(printf 'v%.0s' $(seq 5000)) "
      "/empty -- -setfattr security.evm short /empty -- 2>log || { cat log >&2; false; }");
  const auto attributes = walk_path(image_).attributes;
  const auto& values = attributes.at(image_ + "!empty").security;
  ASSERT_TRUE(values.contains("security.ima") && values.contains("security.evm"));
  const auto text = [&](const char* name) {
    return std::string(values.at(name).begin(), values.at(name).end());
  };
  EXPECT_EQ(text("security.ima"), std::string(5000, 'v'));
  EXPECT_EQ(text("security.evm"), "short");
}

TEST_F(IsoTest, BootImagesAreOpenedOnce) {
  run("truncate -s 2M t/efi.img; mkfs.fat t/efi.img >/dev/null; printf shim > s; "
      "mmd -i t/efi.img ::EFI; mcopy -i t/efi.img s ::EFI/BOOTX64.EFI");
  auto files = expected();
  xorriso("-R -c boot.cat -e efi.img -no-emul-boot");
  files[image_ + "!efi.img!EFI/BOOTX64.EFI"] = "shim";
  auto walked = walk_path(image_).inside();
  walked.erase(image_ + "!boot.cat");
  EXPECT_EQ(walked, files);
  // One that is no file: a partition behind the file system.
  run("mv t/efi.img .");
  xorriso(
      "-R -c boot.cat -append_partition 2 0xef efi.img -e --interval:appended_partition_2:all:: "
      "-no-emul-boot -partition_offset 16");
  files.erase(image_ + "!efi.img!EFI/BOOTX64.EFI");
  files[image_ + "!El Torito/1!EFI/BOOTX64.EFI"] = "shim";
  walked = walk_path(image_).inside();
  walked.erase(image_ + "!boot.cat");
  EXPECT_EQ(walked, files);
}

TEST_F(IsoTest, DamageIsAnError) {
  xorriso("-R");
  const auto bytes = read_file(image_);
  const auto damaged = [&](std::uint64_t at, std::uint8_t byte) {
    std::fstream file(image_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(byte));
    file.close();
    return walk_path(image_);
  };
  const std::uint64_t root = 2048 * (bytes[32768 + 158] + 256U * bytes[32768 + 159]);
  // The second record of the root is too short; the first leads nowhere.
  EXPECT_EQ(damaged(root + bytes[root], 20).failures.at(image_), "bytes/bad-length");
  EXPECT_EQ(damaged(32768 + 160, 0xFF).failures.at(image_), "bytes/bad-length");
  EXPECT_EQ(damaged(32768 + 2048 + 1, 'x').failures.at(image_), "bytes/bad-magic");
}

}  // namespace
}  // namespace assay
