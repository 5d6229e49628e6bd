#include "survey/modules_folder.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "testing/temporary_folder.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::optional<ModulesFolder>& folder) {
  return folder ? folder->root + "|" + folder->release : "none";
}

TEST(ModulesFolder, OfPathsAndNames) {
  struct Case {
    std::string path, inner_name, folder;
  };
  const Case cases[] = {
      {"/lib/modules/6.1.0/kernel/fs/ext4.ko", "", "|6.1.0"},
      {"/usr/lib/modules/6.1.0/kernel/fs/ext4.ko", "", "|6.1.0"},
      {"/mnt/usr/lib/modules/6.1.0/a.ko", "kernel/a.ko", "/mnt|6.1.0"},
      {"/mnt/./lib//modules/6.1.0/a.ko", "", "/mnt|6.1.0"},
      {"/lib/modules/6.1.0/build/root/lib/modules/6.2.0/a.ko", "",
       "/lib/modules/6.1.0/build/root|6.2.0"},
      {"/mylib/modules/6.1.0/a.ko", "", "none"},
      {"/lib/modules/a.ko", "", "none"},
      {"/home/a.ko", "lib/modules/6.1.0/a.ko", "none"},
      {"", "lib/modules/6.1.0/a.ko", "|6.1.0"},
      {"", "usr/lib/modules/6.1.0/a.ko", "|6.1.0"},
      {"", "./lib/modules/6.1.0/a.ko", "|6.1.0"},
      {"", "lib/modules/../a.ko", "none"},
      {"", "a.ko", "none"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(text_of(find_modules_folder(one.path, one.inner_name)), one.folder) << one.path;
}

TEST(ModulesFolder, OfPathsSeenFromInsideAndThroughLinks) {
  TemporaryFolder folder;
  const fs::path root = fs::canonical(folder.path());
  const fs::path modules = root / "lib/modules/6.1.0";
  fs::create_directories(modules / "kernel");
  write_file((modules / "kernel/a.ko").native(), {});
  fs::create_directory_symlink(modules / "kernel", root / "link");
  const std::string expected = root.native() + "|6.1.0";
  const fs::path before = fs::current_path();
  fs::current_path(modules);
  EXPECT_EQ(text_of(find_modules_folder("kernel/a.ko", "")), expected);
  EXPECT_EQ(text_of(find_modules_folder("./kernel/../kernel/a.ko", "")), expected);
  fs::current_path(modules / "kernel");
  EXPECT_EQ(text_of(find_modules_folder("a.ko", "")), expected);
  fs::current_path(root);
  EXPECT_EQ(text_of(find_modules_folder("lib/modules/6.1.0/kernel/a.ko", "")), expected);
  EXPECT_EQ(text_of(find_modules_folder("link/a.ko", "")), expected);
  fs::current_path(before);
}

TEST(ModulesFolder, ReleaseOfConfig) {
  EXPECT_EQ(release_of_config("", "boot/config-6.1.0-56-amd64"), "6.1.0-56-amd64");
  EXPECT_EQ(release_of_config("", "lib/modules/6.11.4-301.fc41.x86_64/config"),
            "6.11.4-301.fc41.x86_64");
  EXPECT_EQ(release_of_config("/mnt/lib/modules/6.1.0/config", "config"), "6.1.0");
  EXPECT_EQ(release_of_config("/boot/config-6.1.0", ""), "6.1.0");
  EXPECT_FALSE(release_of_config("", "etc/config"));
  EXPECT_FALSE(release_of_config("", "boot/vmlinuz-6.1.0"));
}

}  // namespace
}  // namespace assay
