// What folders hold beside files: made here, and told apart.

#include "compare/folder_frame.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

#include "testing/temporary_folder.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

std::string owner() {
  return "owner " + std::to_string(::getuid()) + ":" + std::to_string(::getgid());
}

TEST(FolderFrame, HasAllButRegularFiles) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "inner/deep");
  fs::permissions(folder / "inner", fs::perms(0751));
  fs::permissions(folder / "inner/deep", fs::perms(01777));
  write_file(folder / "inner/file", std::vector<std::uint8_t>{1});
  fs::create_symlink("../else where", folder / "inner/link");
  // A link is what it is, whether it leads to a folder, to itself or to nothing.
  fs::create_symlink(".", folder / "inner/round");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto frame = read_folder_frame(folder / "");
  ASSERT_TRUE(frame) << describe(frame.error());
  const std::map<std::string, std::string> expected{
      {"inner", "folder, mode 0751, " + owner()},
      {"inner/deep", "folder, mode 1777, " + owner()},
      {"inner/link", "link to ../else where, " + owner()},
      {"inner/round", "link to ., " + owner()},
      {"pipe", "special file of type 10000, mode 0600, " + owner()}};
  EXPECT_EQ(*frame, expected);
}

TEST(FolderFrame, TellsDevicesApart) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mknod((folder / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0)
      << "needs the right to make devices";
  ASSERT_EQ(::chmod((folder / "null").c_str(), 0666), 0);
  const auto frame = read_folder_frame(folder / "");
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->at("null"), "character device 1:3, mode 0666, " + owner());
}

TEST(FolderFrame, OfWhatIsNoFolderIsAnError) {
  const TemporaryFolder folder;
  write_file(folder / "file", std::vector<std::uint8_t>{1});
  for (const char* name : {"none", "file"}) {
    const auto frame = read_folder_frame(folder / name);
    ASSERT_FALSE(frame) << name;
    EXPECT_EQ(frame.error().reason, Reason::cannot_list);
  }
}

}  // namespace
}  // namespace assay
