#include "sources/erofs_tree.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "sources/test_visitor.h"
#include "testing/process.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

using Inside = std::map<std::string, std::string>;

std::string numbers(int most) {
  std::string text;
  for (int i = 1; i <= most; ++i) text += std::to_string(i) + "\n";
  return text;
}

// mkfs.erofs makes the images.
class ErofsTest : public testing::Test {
 protected:
  void SetUp() override {
    run("mkdir -p t/lib/modules/empty t/long; printf module > t/lib/modules/a.ko; "
        "seq 1 200000 > t/many; seq 1 2000 > t/few; printf '' > t/empty; "
        "ln t/lib/modules/a.ko t/lib/again; ln -s ../few t/lib/short.ko; "
        "head -c 300000 /dev/urandom > r; cat r t/few r > t/mixed; "
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
  void make(const std::string& options) {
    run("rm -f i; mkfs.erofs " + options + " i t >log 2>&1");
  }
  Inside expected() const {
    const auto mixed = read_file(folder_ / "t/mixed");
    Inside files = {{image_ + "!lib/modules/a.ko", "module"},
                    {image_ + "!lib/again", "module"},
                    {image_ + "!lib/short.ko", numbers(2000)},
                    {image_ + "!many", numbers(200000)},
                    {image_ + "!few", numbers(2000)},
                    {image_ + "!mixed", std::string(mixed.begin(), mixed.end())},
                    {image_ + "!empty", ""},
                    {image_ + "!holes", "start" + std::string(300 * 1024 - 5, '\0') + "end"}};
    for (int i = 1; i <= 300; ++i)
      files[image_ + "!long/a-name-of-some-length-" + std::to_string(i)] = std::to_string(i);
    return files;
  }
  TemporaryFolder folder_;
  const std::string image_ = folder_ / "i";
};

TEST_F(ErofsTest, FilesThatMkfsWroteAreThere) {
  for (const char* options :
       {"-T0", "-Eforce-inode-compact", "-Eforce-inode-extended", "-Enoinline_data",
        "--chunksize=4096 -Eforce-chunk-indexes", "--chunksize=65536", "-zlz4 -T0", "-zlz4hc,12",
        "-zlz4 -Elegacy-compress", "-zlz4 -C65536", "-zlz4 -C65536 -Elegacy-compress",
        "-zlz4 -Eztailpacking", "-zlz4 --max-extent-bytes=65536"}) {
    make(options);
    const TestVisitor walked = walk_path(image_);
    const Inside inside = walked.inside();
    for (const auto& [name, text] : expected()) {
      const auto at = inside.find(name);
      EXPECT_TRUE(at != inside.end() && at->second == text) << options << ' ' << name;
    }
    EXPECT_EQ(inside.size(), expected().size()) << options;
    EXPECT_TRUE(walked.failures.empty())
        << options << walked.errors.begin()->first << describe(walked.errors.begin()->second);
  }
}

// No mkfs.erofs of Debian 12 writes fragments or LZMA: a file's header is made to say so.
TEST_F(ErofsTest, CompressionThatIsNotReadIsAnErrorOfTheFile) {
  make("-zlz4 -T0 -Eforce-inode-extended");
  run("dump.erofs --path=/few i | sed -n 's/^NID: \\([0-9]*\\).*/\\1/p' > number");
  const auto number = read_file(folder_ / "number");
  const std::uint64_t header = std::stoull(std::string(number.begin(), number.end())) * 32 + 64;
  const auto bytes = read_file(image_);
  for (const auto& [at, byte] : {std::pair{6, 1}, std::pair{7, 0x80}, std::pair{4, 0x20}}) {
    auto changed = bytes;
    changed[1024 + 8] = 0;  // no checksum
    changed[header + static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(byte);
    std::ofstream(image_, std::ios::binary) << std::string(changed.begin(), changed.end());
    const TestVisitor walked = walk_path(image_);
    ASSERT_TRUE(walked.failures.contains(image_ + "!few")) << at;
    EXPECT_EQ(walked.failures.at(image_ + "!few"), "archive/unsupported") << at;
    EXPECT_EQ(walked.errors.at(image_ + "!few").where.offset, header) << at;
    EXPECT_EQ(walked.inside().at(image_ + "!many"), numbers(200000)) << at;
  }
}

// Those that several files have are stored once.
TEST_F(ErofsTest, OwnerModeAndExtendedAttributesAreRead) {
  run("setfattr -n security.ima -v 'value of some length' t/few t/many t/empty t/holes; "
      "setfattr -n security.evm -v evm t/few; setfattr -n user.other -v other t/few");
  for (const char* options : {"-x1 --force-uid=70000 --force-gid=80000", "-x100"}) {
    make(std::string(options) + " -U00112233-4455-6677-8899-aabbccddeeff");
    const TestVisitor walked = walk_path(image_);
    ASSERT_TRUE(walked.attributes.contains(image_ + "!few")) << options;
    const FileAttributes& few = walked.attributes.at(image_ + "!few");
    if (options[2] == '1' && options[3] == ' ') {
      EXPECT_EQ(few.owner, 70000U);
      EXPECT_EQ(few.group, 80000U);
    }
    EXPECT_EQ(few.filesystem_uuid->at(1), 0x11);
    ASSERT_EQ(few.security.size(), 2U) << options;
    const auto text = [](const std::vector<std::uint8_t>& value) {
      return std::string(value.begin(), value.end());
    };
    EXPECT_EQ(text(few.security.at("security.ima")), "value of some length");
    EXPECT_EQ(text(few.security.at("security.evm")), "evm");
    EXPECT_EQ(text(walked.attributes.at(image_ + "!holes").security.at("security.ima")),
              "value of some length");
    EXPECT_EQ(walked.attributes.at(image_ + "!lib/modules/a.ko").mode, 0100640);
  }
}

TEST_F(ErofsTest, DamageIsAnErrorOfItsPlace) {
  make("-zlz4 -T0");
  const auto bytes = read_file(image_);
  const auto failures_with = [&](std::uint64_t at, const std::string& damage) {
    auto changed = bytes;
    std::ranges::copy(damage, changed.begin() + static_cast<std::ptrdiff_t>(at));
    std::ofstream(image_, std::ios::binary) << std::string(changed.begin(), changed.end());
    return walk_path(image_);
  };
  // mkfs.erofs puts a checksum over the superblock, and what stands behind it in its block.
  const TestVisitor summed = failures_with(1024 + 36, "\x01\x02");
  EXPECT_EQ(summed.failures.at(image_), "bytes/bad-value");
  EXPECT_NE(summed.errors.at(image_).detail.find("CRC-32C"), std::string::npos);
  const std::string no_sum(4, '\0');
  EXPECT_EQ(failures_with(1024 + 8, no_sum + "\x20").failures.at(image_), "archive/unsupported");
  EXPECT_EQ(failures_with(1024 + 8, no_sum + "\x0C" + std::string("\0\xFF\xFF", 3))
                .failures.count(image_),
            1U);
  // Without the feature no checksum is asked for.
  const TestVisitor unsummed = failures_with(1024 + 8, no_sum);
  EXPECT_TRUE(unsummed.failures.empty());
}

}  // namespace
}  // namespace assay
