#include "sources/ext_tree.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "sources/test_visitor.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Inside = std::map<std::string, std::string>;

std::string numbers() {
  std::string text;
  for (int i = 1; i <= 60000; ++i) text += std::to_string(i) + "\n";
  return text;
}

// mke2fs makes the images, and debugfs sets what only root could otherwise.
class ExtTest : public testing::Test {
 protected:
  void SetUp() override {
    run("mkdir -p t/lib/modules/empty t/long; printf module > t/lib/modules/a.ko; "
        "seq 1 60000 > t/many; printf '' > t/empty; ln t/lib/modules/a.ko t/lib/again; "
        "ln -s ../many t/lib/short.ko; ln -s \"$(printf '../%.0s' $(seq 30))many\""
        " t/long/link.ko; "
        "printf start > t/holes; truncate -s 300K t/holes; printf end >> t/holes; "
        "for i in $(seq 300); do printf $i > t/long/a-name-of-some-length-$i; done; "
        "chmod 640 t/lib/again");
  }
  void run(const std::string& script) {
    const Finished done = run_command(
        {"sh", "-ec",
         "cd '" + folder_.path().string() + "'; export PATH=$PATH:/sbin:/usr/sbin; " + script});
    ASSERT_EQ(done.status, 0) << script << done.error;
  }
  void make(const std::string& options, const std::string& more = "") {
    run("rm -f i; truncate -s 16M i; mke2fs -q -F " + options + " -d t i 2>log; " + more);
  }
  Inside expected() const {
    Inside files = {{image_ + "!lib/modules/a.ko", "module"},
                    {image_ + "!lib/again", "module"},
                    {image_ + "!lib/short.ko", numbers()},
                    {image_ + "!long/link.ko", numbers()},
                    {image_ + "!many", numbers()},
                    {image_ + "!empty", ""},
                    {image_ + "!holes", "start" + std::string(300 * 1024 - 5, '\0') + "end"}};
    for (int i = 1; i <= 300; ++i)
      files[image_ + "!long/a-name-of-some-length-" + std::to_string(i)] = std::to_string(i);
    return files;
  }
  void damage(std::uint64_t offset, const std::string& bytes) {
    std::fstream file(image_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  TemporaryFolder folder_;
  const std::string image_ = folder_ / "i";
};

// Block maps and extents, data in inodes, names without a type, checksums and none.
TEST_F(ExtTest, FilesThatMke2fsWroteAreThere) {
  for (const char* options :
       {"-t ext2 -b 1024", "-t ext2 -r 0 -b 4096", "-t ext3 -b 2048", "-t ext4 -b 4096",
        "-t ext4 -b 1024 -O ^metadata_csum,^64bit", "-t ext4 -O inline_data -I 256",
        "-t ext4 -O bigalloc -C 16384", "-t ext4 -O metadata_csum,meta_bg,^resize_inode"}) {
    make(options);
    TestVisitor walked = walk_path(image_);
    auto inside = walked.inside();
    EXPECT_EQ(inside, expected()) << options;
    EXPECT_TRUE(walked.failures.empty()) << options;
  }
}

TEST_F(ExtTest, OwnerModeAndExtendedAttributesAreRead) {
  const std::string set =
      "head -c $SIZE /dev/zero | tr '\\0' v > v; head -c 20 /dev/zero | tr '\\0' s > s; "
      "debugfs -w -R 'ea_set /many security.ima -f s' i 2>log; "
      "debugfs -w -R 'ea_set /many security.evm -f v' i 2>log; "
      "debugfs -w -R 'ea_set /many user.other -f s' i 2>log; "
      "debugfs -w -R 'sif /many uid 70000' i 2>log; debugfs -w -R 'sif /many gid 80000' i 2>log; "
      "debugfs -w -R 'sif /many generation 77' i 2>log; "
      "debugfs -R 'stat /many' i 2>log | sed -n 's/^Inode: \\([0-9]*\\).*/\\1/p' > number";
  // In the inode and in a block; in a block alone; in an inode of its own.
  struct Case {
    const char* options;
    std::size_t size;
  };
  for (const auto& [options, size] :
       {Case{"-t ext4 -I 256 -b 4096", 3000}, Case{"-t ext2 -I 128 -b 4096", 3000},
        Case{"-t ext4 -O ea_inode -b 4096 -I 256", 4096}}) {
    make(std::string(options) + " -U 00112233-4455-6677-8899-aabbccddeeff",
         "SIZE=" + std::to_string(size) + "; " + set);
    const TestVisitor walked = walk_path(image_);
    ASSERT_TRUE(walked.attributes.contains(image_ + "!many")) << options;
    const FileAttributes& many = walked.attributes.at(image_ + "!many");
    EXPECT_EQ(many.owner, 70000U) << options;
    EXPECT_EQ(many.group, 80000U) << options;
    EXPECT_EQ(many.generation, 77U) << options;
    const auto number = read_file(folder_ / "number");
    EXPECT_EQ(std::to_string(many.inode_number) + "\n", std::string(number.begin(), number.end()));
    EXPECT_EQ(many.filesystem_uuid->at(1), 0x11);
    EXPECT_EQ(many.filesystem_magic, 0xEF53U);
    ASSERT_EQ(many.security.size(), 2U) << options;
    EXPECT_EQ(many.security.at("security.ima"), std::vector<std::uint8_t>(20, 's')) << options;
    EXPECT_EQ(many.security.at("security.evm"), std::vector<std::uint8_t>(size, 'v')) << options;
    EXPECT_EQ(walked.attributes.at(image_ + "!lib/modules/a.ko").mode, 0100640) << options;
  }
}

TEST_F(ExtTest, APartitionMayHaveOne) {
  make("-t ext4");
  run("truncate -s 20M k; printf 'label: gpt\\nstart=2048,size=32768,type=L\\n' | sfdisk -q k; "
      "dd if=i of=k bs=512 seek=2048 conv=notrunc status=none");
  EXPECT_EQ(walk_path(folder_ / "k").inside().at(folder_ / "k" + "!1!many"), numbers());
}

TEST_F(ExtTest, DamageIsAnErrorOfItsPlace) {
  make("-t ext2 -b 1024");
  const auto inode_of = [&](const std::string& path) {
    run("debugfs -R 'imap " + path + "' i 2>log > where");
    const auto bytes = read_file(folder_ / "where");
    const std::string text(bytes.begin(), bytes.end());
    const auto block = std::stoull(text.substr(text.find("at block ") + 9));
    return block * 1024 + std::stoull(text.substr(text.find("0x") + 2), nullptr, 16);
  };
  const std::uint64_t many = inode_of("/many");
  const std::uint64_t empty = inode_of("/long");
  const std::string original = [&] {
    const auto bytes = read_file(image_);
    return std::string(bytes.begin(), bytes.end());
  }();
  struct Case {
    const char* what;
    std::uint64_t at;
    std::string bytes;
    std::string name;
    const char* reason;
  };
  const std::string big = "\xF0\xFF\xFF\x7F";
  for (const Case& it :
       {Case{"more blocks than the image has", 1024 + 4, big, "", "bytes/bad-length"},
        Case{"a feature that no kernel has", 1024 + 0x60, big, "", "archive/unsupported"},
        Case{"a journal that is not replayed", 1024 + 0x60, "\x06", "", "archive/unsupported"},
        Case{"the journal of another", 1024 + 0x60, "\x0A", "", "archive/unsupported"},
        Case{"a block outside", many + 40 + 8, big, "!many", "bytes/bad-length"},
        Case{"a folder that is a file", empty, std::string("\xA4\x81", 2), "", ""},
        Case{"a folder whose entries are elsewhere", empty + 40, std::string("\x05\0\0\0", 4),
             "!long", "archive/corrupt"}}) {
    run("true");
    std::ofstream(image_, std::ios::binary) << original;
    damage(it.at, it.bytes);
    const TestVisitor walked = walk_path(image_);
    if (*it.reason == '\0') {
      EXPECT_TRUE(walked.inside().contains(image_ + "!long")) << it.what;
      continue;
    }
    ASSERT_TRUE(walked.failures.contains(image_ + it.name)) << it.what;
    EXPECT_EQ(walked.failures.at(image_ + it.name), it.reason) << it.what;
    EXPECT_FALSE(walked.errors.at(image_ + it.name).detail.empty()) << it.what;
    if (!it.name.empty() || it.bytes == "\x06") {
      EXPECT_EQ(walked.inside().at(image_ + "!lib/modules/a.ko"), "module") << it.what;
    }
  }
}

TEST_F(ExtTest, ChecksumsThatDoNotHoldAreErrors) {
  make("-t ext4 -O metadata_csum -b 1024",
       "debugfs -w -R 'sif /many checksum 0x1234' i 2>log; dumpe2fs -h i >log 2>&1");
  const TestVisitor walked = walk_path(image_);
  ASSERT_TRUE(walked.failures.contains(image_ + "!many"));
  EXPECT_NE(walked.errors.at(image_ + "!many").detail.find("checksum"), std::string::npos);
  EXPECT_EQ(walked.inside().at(image_ + "!lib/modules/a.ko"), "module");
}

// A file of 2^40 bytes, all of them a hole.
TEST_F(ExtTest, AFileBeyondTheLimitIsAnErrorAndNotWritten) {
  make("-t ext4 -b 4096",
       "truncate -s 1T t/h 2>log || true; debugfs -w -R 'sif /empty size "
       "0x10000000000' i 2>log");
  EXPECT_EQ(walk_path(image_).failures.at(image_ + "!empty"), "limit/size");
}

}  // namespace
}  // namespace assay
