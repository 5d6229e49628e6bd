#include "sources/file_attributes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "testing/temporary_folder.h"

namespace assay {
namespace {

TEST(FileAttributes, OfAFile) {
  TemporaryFolder folder;
  const std::vector<std::uint8_t> bytes{1, 2, 3};
  write_file(folder / "file", bytes);
  const std::string path = folder / "file";
  ASSERT_EQ(::chmod(path.c_str(), 0751), 0);
  ASSERT_EQ(::setxattr(path.c_str(), "security.ima", "\x04\x04", 2, 0), 0) << "wants CAP_SYS_ADMIN";
  const auto attributes = read_file_attributes(path);
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->mode, 0100751);
  EXPECT_EQ(attributes->owner, ::getuid());
  EXPECT_NE(attributes->filesystem_magic, 0U);
  EXPECT_TRUE(attributes->has_xattrs);
  ASSERT_TRUE(attributes->security.contains("security.ima"));
  EXPECT_EQ(attributes->security.at("security.ima"), (std::vector<std::uint8_t>{4, 4}));
}

TEST(FileAttributes, ProcHasNone) {
  const auto attributes = read_file_attributes("/proc/version");
  ASSERT_TRUE(attributes);
  EXPECT_FALSE(attributes->has_xattrs);
  EXPECT_EQ(attributes->filesystem_magic, 0x9FA0U);
}

TEST(FileAttributes, OfNoFile) { EXPECT_FALSE(read_file_attributes("/nonexistent")); }

}  // namespace
}  // namespace assay
