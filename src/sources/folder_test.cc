#include "sources/folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <vector>

#include "base/limits.h"
#include "testing/temporary_folder.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

struct Yielded final : SourceVisitor {
  std::vector<std::string> names;
  std::map<std::string, std::string> failures;
  int skips = 0;

  void found(Found found) override { names.push_back(found.inner_name); }
  void failed(Error error) override {
    failures[fs::path(error.path).filename()] = reason_id(error.reason);
  }
  void skipped() override { ++skips; }
};

class FolderTest : public testing::Test {
 protected:
  void add(const std::string& name) { write_file(root() / name, {}); }
  void link(const std::string& name, const std::string& target) {
    fs::create_directories((root() / name).parent_path());
    fs::create_symlink(target, root() / name);
  }
  fs::path root() const { return folder_.path() / "root"; }
  Yielded walk() {
    Yielded yielded;
    ByteBudget budget(limits::kInFlight);
    walk_folder(root(), {budget}, yielded);
    return yielded;
  }
  TemporaryFolder folder_;
};

using Names = std::vector<std::string>;

TEST_F(FolderTest, SortsImagesFirst) {
  for (const char* name : {"z/vmlinuz-1", "b.ko", "a/c.ko"}) add(name);
  EXPECT_EQ(walk().names, (Names{"z/vmlinuz-1", "a/c.ko", "b.ko"}));
}

TEST_F(FolderTest, BootComesFirst) {
  for (const char* name : {"a.ko", "boot/b.ko", "boot/sub/vmlinuz-1", "vmlinuz-2"}) add(name);
  EXPECT_EQ(walk().names, (Names{"boot/sub/vmlinuz-1", "boot/b.ko", "vmlinuz-2", "a.ko"}));
}

TEST_F(FolderTest, LinkWithAModulesNameIsYielded) {
  add("usr/x.dat");
  link("lib/modules/R/m.ko.xz", "../../../usr/x.dat");
  EXPECT_EQ(walk().names, (Names{"lib/modules/R/m.ko.xz", "usr/x.dat"}));
}

TEST_F(FolderTest, LinkToAnotherKindOfNameIsYielded) {
  add("m.ko");
  link("boot/vmlinuz", "../m.ko");
  link("m.ko.gz", "m.ko");
  EXPECT_EQ(walk().names, (Names{"boot/vmlinuz", "m.ko", "m.ko.gz"}));
}

TEST_F(FolderTest, LinksThatSayNothingNewAreSkipped) {
  add("lib/modules/R/m.ko");
  add("boot/vmlinuz-R");
  add("src/Makefile");
  link("lib/modules/R/build", "../../../src");
  link("lib/modules/R/source", "/no/such/folder");
  link("lib/modules/R/kernel", "../../../src");
  link("weak-updates/m.ko", "../lib/modules/R/m.ko");
  link("vmlinuz", "boot/vmlinuz-R");
  const Yielded yielded = walk();
  EXPECT_EQ(yielded.names, (Names{"boot/vmlinuz-R", "lib/modules/R/m.ko", "src/Makefile"}));
  EXPECT_TRUE(yielded.failures.empty());
  EXPECT_EQ(yielded.skips, 5);
}

TEST_F(FolderTest, LinksThatLeadOutOrNowhereAreFailures) {
  write_file(folder_.path() / "outside.dat", {});
  write_file(folder_.path() / "root2" / "m.ko", {});
  add("x");
  link("out.ko", "../outside.dat");
  link("beside.ko", "../root2/m.ko");
  link("vmlinuz", "../outside.dat");
  link("nowhere.ko", "nothing");
  link("loop.ko", "loop.ko");
  link("device.ko", "/dev/null");
  EXPECT_EQ(walk().failures,
            (std::map<std::string, std::string>{{"out.ko", "io/link-outside"},
                                                {"beside.ko", "io/link-outside"},
                                                {"vmlinuz", "io/link-outside"},
                                                {"nowhere.ko", "io/cannot-open"},
                                                {"loop.ko", "io/symlink-loop"},
                                                {"device.ko", "io/not-a-regular-file"}}));
}

// depmod follows them; what lies in there would be loaded.
TEST_F(FolderTest, FoldersOfModulesThatLieElsewhereAreFailures) {
  write_file(folder_.path() / "elsewhere" / "m.ko", {});
  add("lib/modules/R/kernel/m.ko");
  link("lib/modules/R/updates", "../../../../elsewhere");
  link("lib/modules/R/build", "../../../../elsewhere");
  link("lib/modules/R/source", "../../../../elsewhere");
  link("lib/modules/R/extra", "kernel");
  link("etc/elsewhere", "../../elsewhere");
  const Yielded yielded = walk();
  EXPECT_EQ(yielded.names, (Names{"lib/modules/R/kernel/m.ko"}));
  EXPECT_EQ(yielded.failures, (std::map<std::string, std::string>{{"updates", "io/link-outside"}}));
}

}  // namespace
}  // namespace assay
