#include "sources/disk.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "formats/partition_table.h"
#include "sources/test_visitor.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Inside = std::map<std::string, std::string>;

// Runs a shell script in a folder; the tools of tests that need no root.
void run(const TemporaryFolder& folder, const std::string& script) {
  const Finished done =
      run_command({"sh", "-ec",
                   "cd '" + folder.path().string() +
                       "'; export PATH=$PATH:/sbin:/usr/sbin MTOOLS_SKIP_CHECK=1; " + script});
  ASSERT_EQ(done.status, 0) << script << done.error;
}

void damage(const std::string& path, std::uint64_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string le32(std::uint32_t value) {
  std::string out;
  for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

constexpr const char* kFiles =
    "mkdir -p d/EFI/BOOT; printf boot > d/EFI/BOOT/BOOTX64.EFI; printf long > "
    "'d/a name that is löng.txt'; printf '' > d/empty; seq 1 20000 > d/many; ";

std::string many() {
  std::string text;
  for (int i = 1; i <= 20000; ++i) text += std::to_string(i) + "\n";
  return text;
}

Inside expected(const std::string& in) {
  return {{in + "!EFI/BOOT/BOOTX64.EFI", "boot"},
          {in + "!a name that is löng.txt", "long"},
          {in + "!empty", ""},
          {in + "!many", many()}};
}

// mkfs.fat and mcopy write, at all three widths and several sizes of sector and cluster.
TEST(Fat, FilesThatMtoolsWroteAreThere) {
  struct Case {
    const char* size;
    const char* options;
  };
  for (const Case& it : {Case{"1440K", "-F 12"}, Case{"8M", "-F 12 -s 8"}, Case{"16M", "-F 16"},
                         Case{"40M", "-F 32 -s 1"}, Case{"300M", "-F 32 -S 4096 -s 1"}}) {
    const TemporaryFolder folder;
    run(folder, std::string(kFiles) + "truncate -s " + it.size + " f; mkfs.fat " + it.options +
                    " f >/dev/null; LC_ALL=C.UTF-8 mcopy -s -i f d/* ::");
    EXPECT_EQ(walk_path(folder / "f").inside(), expected(folder / "f")) << it.options;
  }
}

TEST(Fat, AFileInPiecesIsWhole) {
  const TemporaryFolder folder;
  run(folder, std::string(kFiles) +
                  "truncate -s 4M f; mkfs.fat -F 12 -s 4 f >/dev/null; "
                  "for i in $(seq 40); do head -c 2000 d/many > p$i; mcopy -i f p$i ::; done; "
                  "for i in $(seq 1 2 40); do mdel -i f ::p$i; done; mcopy -i f d/many ::");
  EXPECT_EQ(walk_path(folder / "f").inside().at(folder / "f" + "!many"), many());
}

TEST(Fat, LoopsAndChainsThatLeadOutAreErrors) {
  const TemporaryFolder folder;
  run(folder, std::string(kFiles) +
                  "truncate -s 16M f; mkfs.fat -F 16 -s 4 f >/dev/null; mcopy -i f d/many ::; "
                  "mmd -i f ::sub; mcopy -i f d/empty ::sub/x; printf y > y; mcopy -i f y ::");
  // The first FAT stands behind the reserved sectors (4, mkfs.fat's choice for this cluster size).
  const auto bytes = read_file(folder / "f");
  const std::uint64_t fat = bytes[14] * 512U;
  struct Case {
    const char* what;
    std::uint16_t cluster;
    std::uint16_t next;
    const char* name;
    const char* reason;
  };
  const std::uint16_t many_last = 2 + 108894 / 2048;  // clusters 2 to this are those of `many`
  for (const Case& it :
       {Case{"a chain into nothing", 5, 0xFFF0, "!many", "bytes/bad-value"},
        Case{"a chain that ends early", 5, 0xFFFF, "!many", "bytes/truncated"},
        Case{"a folder in a loop", static_cast<std::uint16_t>(many_last + 1),
             static_cast<std::uint16_t>(many_last + 1), "!sub", "archive/corrupt"}}) {
    std::filesystem::copy_file(folder / "f", folder / "g",
                               std::filesystem::copy_options::overwrite_existing);
    const std::string word{static_cast<char>(it.next), static_cast<char>(it.next >> 8)};
    damage(folder / "g", fat + it.cluster * 2U, word);
    const TestVisitor walked = walk_path(folder / "g");
    ASSERT_EQ(walked.failures.count(folder / "g" + it.name), 1U) << it.what;
    EXPECT_EQ(walked.failures.at(folder / "g" + it.name), it.reason) << it.what;
    EXPECT_EQ(walked.inside().at(folder / "g" + "!y"), "y") << it.what;
  }
}

// sfdisk writes the tables.
class DiskTest : public testing::Test {
 protected:
  void SetUp() override {
    run(folder_, std::string(kFiles) +
                     "truncate -s 16M f; mkfs.fat -F 16 f >/dev/null; LC_ALL=C.UTF-8 mcopy -s -i f "
                     "d/* ::");
  }
  void make(const std::string& table) {
    run(folder_, "rm -f k; truncate -s 64M k; printf '" + table + "' | sfdisk -q k");
  }
  void put(std::uint64_t sector) {
    run(folder_, fmt::format("dd if=f of=k bs=512 seek={} conv=notrunc status=none", sector));
  }
  TemporaryFolder folder_;
  const std::string disk_ = folder_ / "k";
};

TEST_F(DiskTest, PartitionsOfAGptAreOpened) {
  make("label: gpt\\nstart=2048,size=32768,type=U\\nstart=40960,size=2048,type=S\\n");
  put(2048);
  const TestVisitor walked = walk_path(disk_);
  EXPECT_EQ(walked.inside(), expected(disk_ + "!1"));
  EXPECT_TRUE(walked.failures.empty());
}

TEST_F(DiskTest, TheCopyOfAGptStandsInForADamagedOne) {
  make("label: gpt\\nstart=2048,size=32768,type=U\\n");
  put(2048);
  damage(disk_, 512 + 40, "x");
  EXPECT_EQ(walk_path(disk_).inside(), expected(disk_ + "!1"));
  damage(disk_, (64U << 20) - 512 + 40, "x");
  const TestVisitor walked = walk_path(disk_);
  EXPECT_EQ(walked.failures.at(disk_), "bytes/bad-value");
  EXPECT_NE(walked.errors.at(disk_).detail.find("CRC-32"), std::string::npos);
  EXPECT_EQ(walked.errors.at(disk_).where.offset, 512U);
}

TEST_F(DiskTest, PrimaryAndLogicalPartitionsAreOpened) {
  make(
      "label: dos\\nstart=2048,size=2048,type=83\\nstart=8192,size=100000,type=5\\n"
      "start=10240,size=2048,type=83\\nstart=16384,size=32768,type=e\\n");
  put(16384);
  damage(disk_, 2048U * 512, "something");
  const TestVisitor walked = walk_path(disk_);
  EXPECT_EQ(walked.inside(), expected(disk_ + "!6"));
  EXPECT_EQ(walked.failures,
            (std::map<std::string, std::string>{{disk_ + "!1", "archive/unsupported"}}));
}

TEST_F(DiskTest, APartitionBeyondTheDiskIsAnError) {
  make("label: dos\\nstart=2048,size=32768,type=e\\n");
  std::filesystem::resize_file(disk_, 2U << 20);
  EXPECT_EQ(walk_path(disk_).failures.at(disk_ + "!1"), "bytes/bad-length");
}

TEST_F(DiskTest, ExtendedTablesInALoopComeToAnEnd) {
  make("label: dos\\nstart=8192,size=100000,type=5\\nstart=10240,size=2048,type=83\\n");
  // The second entry of the extended table: an extended one, at its own start.
  damage(disk_, 8192U * 512 + 446 + 16, std::string("\0\0\0\0\5\0\0\0", 8) + le32(0) + le32(100));
  EXPECT_EQ(walk_path(disk_).failures.at(disk_), "limit/count");
}

TEST_F(DiskTest, ACompressedDiskIsOpenedToo) {
  make("label: gpt\\nstart=2048,size=32768,type=U\\n");
  put(2048);
  for (const char* compress : {"xz -T1 -0", "gzip -1", "zstd -q", "bzip2", "lz4 -q -1", "lzop"}) {
    run(folder_, std::string(compress) + " -c k > c");
    EXPECT_EQ(walk_path(folder_ / "c").inside(), expected(folder_ / "c" + "!1")) << compress;
  }
}

// A disk in a tar archive in a disk.
TEST_F(DiskTest, ContainersLieInEachOther) {
  make("label: gpt\\nstart=2048,size=32768,type=U\\n");
  put(2048);
  run(folder_,
      "xz -0 k; tar cf t.tar k.xz; truncate -s 16M f; mkfs.fat -F 16 f >/dev/null; "
      "mcopy -i f t.tar ::");
  make("label: dos\\nstart=2048,size=32768,type=e\\n");
  put(2048);
  EXPECT_EQ(walk_path(disk_).inside(), expected(disk_ + "!1!t.tar!k.xz!1"));
  const TestVisitor shallow = walk_path(disk_, {.depth = 4});
  EXPECT_TRUE(shallow.inside().empty());
  EXPECT_EQ(shallow.failures.at(disk_ + "!1!t.tar!k.xz!1"), "limit/nesting");
  EXPECT_EQ(walk_path(disk_, {.member = 1 << 20}).failures.count(disk_ + "!1!t.tar!k.xz"), 1U);
}

TEST(IsDisk, BootSectorsOfOtherThingsAreNone) {
  std::vector<std::uint8_t> sector(1024);
  sector[510] = 0x55;
  sector[511] = 0xAA;
  EXPECT_FALSE(is_disk(View(sector), 1 << 20)) << "no partitions";
  sector[446 + 4] = 0x83;
  sector[446 + 8] = 1;
  sector[446 + 12] = 1;
  EXPECT_TRUE(is_disk(View(sector), 1 << 20));
  EXPECT_FALSE(is_disk(View(sector), 512)) << "beyond its end";
  const std::string magic = "HdrS";
  std::ranges::copy(magic, sector.begin() + 0x202);
  EXPECT_FALSE(is_disk(View(sector), 1 << 20)) << "a bzImage";
  std::ranges::fill(std::span(sector).subspan(0x202, 4), std::uint8_t{0});
  sector[446 + 16] = 0x12;
  EXPECT_FALSE(is_disk(View(sector), 1 << 20)) << "a status that is none";
}

}  // namespace
}  // namespace assay
