#include "sources/squash_tree.h"

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

std::string numbers() {
  std::string text;
  for (int i = 1; i <= 60000; ++i) text += std::to_string(i) + "\n";
  return text;
}

// mksquashfs makes the images; it takes owners and attributes from where only root could set them.
class SquashTest : public testing::Test {
 protected:
  void SetUp() override {
    run("mkdir -p t/lib/modules/empty t/long; printf module > t/lib/modules/a.ko; "
        "seq 1 60000 > t/many; printf '' > t/empty; ln t/lib/modules/a.ko t/lib/again; "
        "ln -s ../many t/lib/short.ko; "
        "printf start > t/holes; truncate -s 300K t/holes; printf end >> t/holes; "
        "for i in $(seq 700); do printf $i > t/long/a-name-of-some-length-$i; done; "
        "chmod 640 t/lib/again");
  }
  void run(const std::string& script) {
    const Finished done = run_command(
        {"sh", "-ec",
         "cd '" + folder_.path().string() + "'; export PATH=$PATH:/sbin:/usr/sbin; " + script});
    ASSERT_EQ(done.status, 0) << script << done.error;
  }
  void make(const std::string& options) {
    run("rm -f i; mksquashfs t i -no-progress -quiet -processors 1 " + options + " >log 2>&1");
  }
  Inside expected() const {
    Inside files = {{image_ + "!lib/modules/a.ko", "module"},
                    {image_ + "!lib/again", "module"},
                    {image_ + "!lib/short.ko", numbers()},
                    {image_ + "!many", numbers()},
                    {image_ + "!empty", ""},
                    {image_ + "!holes", "start" + std::string(300 * 1024 - 5, '\0') + "end"}};
    for (int i = 1; i <= 700; ++i)
      files[image_ + "!long/a-name-of-some-length-" + std::to_string(i)] = std::to_string(i);
    return files;
  }
  void damage(std::uint64_t offset, const std::string& bytes) {
    std::fstream file(image_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::uint64_t number_at(std::uint64_t offset) const {
    const auto bytes = read_file(image_);
    std::uint64_t value = 0;
    for (std::size_t i = 8; i > 0; --i) value = value << 8 | bytes[offset + i - 1];
    return value;
  }
  TemporaryFolder folder_;
  const std::string image_ = folder_ / "i";
};

TEST_F(SquashTest, FilesOfAllCompressorsAreThere) {
  for (const char* options :
       {"-comp gzip", "-comp lzma -b 4096", "-comp lzo", "-comp xz -b 1M", "-comp xz -Xbcj x86",
        "-comp lz4", "-comp lz4 -Xhc", "-comp zstd -b 64K", "-noI -noD -noF -noX",
        "-no-fragments -b 8192", "-always-use-fragments", "-no-exports -no-duplicates"}) {
    make(options);
    const TestVisitor walked = walk_path(image_);
    EXPECT_TRUE(walked.inside() == expected()) << options;
    EXPECT_TRUE(walked.failures.empty()) << options;
  }
}

TEST_F(SquashTest, OwnerModeAndExtendedAttributesAreRead) {
  // Equal values are stored once, and referred to.
  run(R"(python3 - <<'END'
import io, tarfile
with tarfile.open("a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
    def add(name, data, mode=0o640, owner=0, group=0, **values):
        file = tarfile.TarInfo(name)
        file.size, file.mode, file.uid, file.gid = len(data), mode, owner, group
        file.pax_headers = {"SCHILY.xattr." + key.replace("_", "."): it for key, it in values.items()}
        tar.addfile(file, io.BytesIO(data))
    add("many", b"many", 0o604, 70000, 80000, security_ima="value of some length" * 3,
        security_evm="evm", user_other="other")
    add("empty", b"", security_ima="value of some length" * 3)
    add("plain", b"")
END
rm -f i; sqfstar i < a.tar >log 2>&1)");
  const TestVisitor walked = walk_path(image_);
  ASSERT_TRUE(walked.attributes.contains(image_ + "!many"));
  const FileAttributes& many = walked.attributes.at(image_ + "!many");
  EXPECT_EQ(many.owner, 70000U);
  EXPECT_EQ(many.group, 80000U);
  EXPECT_EQ(many.mode, 0100604);
  EXPECT_EQ(many.filesystem_magic, 0x73717368U);
  ASSERT_EQ(many.security.size(), 2U);
  const std::string value = "value of some lengthvalue of some lengthvalue of some length";
  const auto bytes = [](std::string_view text) {
    return std::vector<std::uint8_t>(text.begin(), text.end());
  };
  EXPECT_EQ(many.security.at("security.ima"), bytes(value));
  EXPECT_EQ(many.security.at("security.evm"), bytes("evm"));
  EXPECT_EQ(walked.attributes.at(image_ + "!empty").security.at("security.ima"), bytes(value));
  EXPECT_EQ(walked.attributes.at(image_ + "!plain").mode, 0100640);
  EXPECT_TRUE(walked.attributes.at(image_ + "!plain").security.empty());
}

TEST_F(SquashTest, DamageIsAnErrorOfItsPlace) {
  make("-noI -noX -b 64K -no-fragments");
  const auto bytes = read_file(image_);
  const std::string original(bytes.begin(), bytes.end());
  const std::uint64_t inodes = number_at(64);
  const std::uint64_t folders = number_at(72);
  struct Case {
    const char* what;
    std::uint64_t at;
    std::string bytes;
    const char* reason;
  };
  for (const Case& it :
       {Case{"more bytes than the image has", 44, "\x01", "bytes/bad-length"},
        Case{"a compression that none is", 20, "\x09", "archive/unsupported"},
        Case{"blocks of another size", 12, std::string("\x01", 1), "bytes/bad-value"},
        Case{"inodes behind the end", 68, "\x01", "bytes/bad-length"},
        Case{"a root behind the end", 36, "\x01", "bytes/bad-length"},
        Case{"folders behind the end", 76, "\x01", "bytes/bad-length"},
        Case{"a block of folders without bytes", folders, std::string("\0\0", 2),
             "bytes/bad-value"},
        Case{"a block of folders that is none", folders, std::string("\x20\0\xFF\xFF\xFF", 5),
             "codec/corrupt"},
        Case{"inodes of no type", inodes + 2, std::string("\x0F\0", 2), "bytes/bad-value"}}) {
    std::ofstream(image_, std::ios::binary) << original;
    damage(it.at, it.bytes);
    const TestVisitor walked = walk_path(image_);
    ASSERT_FALSE(walked.failures.empty()) << it.what;
    EXPECT_FALSE(walked.errors.begin()->second.detail.empty()) << it.what;
    const bool is_told = std::ranges::any_of(
        walked.failures, [&](const auto& failure) { return failure.second == it.reason; });
    EXPECT_TRUE(is_told) << it.what << walked.failures.begin()->second;
  }
  // In the first file's data: that file alone.
  std::ofstream(image_, std::ios::binary) << original;
  const std::size_t stream = original.rfind("\x78\xDA", inodes);
  damage(stream + 200, "damaged");
  const TestVisitor walked = walk_path(image_);
  EXPECT_EQ(walked.failures.size(), 1U);
  EXPECT_EQ(walked.inside().at(image_ + "!lib/modules/a.ko"), "module");
}

}  // namespace
}  // namespace assay
