#include "sources/deb.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "sources/nest.h"
#include "sources/package_links.h"
#include "testing/package_sample.h"

namespace assay {
namespace {

// What a package yields: content by name, and failures by name.
struct Yielded final : SourceVisitor {
  std::vector<std::pair<std::string, std::string>> files;
  std::map<std::string, std::string> failures;
  Result<void> end;

  void found(Found found) override {
    std::vector<std::uint8_t> scratch;
    const auto bytes = view_of(*found.content, 0, found.content->size(), scratch);
    EXPECT_EQ(found.container, "p.deb");
    EXPECT_EQ(found.name, "p.deb!" + found.inner_name);
    files.emplace_back(found.inner_name, bytes ? std::string(bytes->text()) : "unreadable");
  }
  void failed(Error error) override { failures[error.path] = reason_id(error.reason); }
  void skipped() override {}

  std::string reason() const { return end ? "" : std::string(reason_id(end.error().reason)); }
};

using Files = std::vector<std::pair<std::string, std::string>>;

Yielded walk(const std::string& package) {
  Yielded yielded;
  ByteBudget budget(limits::kInFlight);
  const MemoryContent content({package.begin(), package.end()});
  const SourceOptions options{budget};
  Nest nest(options, yielded);
  yielded.end = walk_deb(content, "p.deb", nest);
  return yielded;
}

Yielded walk_entries(const std::string& entries) { return walk(deb_package(entries)); }

TEST(Deb, YieldsItsFilesInOrder) {
  const Yielded yielded =
      walk_entries(tar_entry("./b/", "", '5') + tar_entry("./b/x", "1") + tar_entry("./a", "2"));
  EXPECT_TRUE(yielded.end);
  EXPECT_EQ(yielded.files, (Files{{"b/x", "1"}, {"a", "2"}}));
}

TEST(Deb, HardLinkWithAModulesNameIsLookedAtUnderIt) {
  const Yielded yielded =
      walk_entries(tar_entry("./usr/share/doc/x.dat", "module") +
                   tar_entry("./lib/modules/R/m.ko.xz", "", '1', "./usr/share/doc/x.dat"));
  EXPECT_TRUE(yielded.end && yielded.failures.empty());
  EXPECT_EQ(yielded.files,
            (Files{{"usr/share/doc/x.dat", "module"}, {"lib/modules/R/m.ko.xz", "module"}}));
}

TEST(Deb, HardLinkIsToWhatWasUnpackedBeforeIt) {
  const Yielded yielded = walk_entries(
      tar_entry("./x", "before") + tar_entry("./m.ko", "", '1', "./x") + tar_entry("./x", "after"));
  EXPECT_EQ(yielded.files, (Files{{"x", "before"}, {"x", "after"}, {"m.ko", "before"}}));
}

TEST(Deb, HardLinkWithAKernelsNameIsLookedAtUnderIt) {
  const Yielded yielded =
      walk_entries(tar_entry("./x", "kernel") + tar_entry("./boot/vmlinuz-R", "", '1', "./x"));
  EXPECT_EQ(yielded.files, (Files{{"x", "kernel"}, {"boot/vmlinuz-R", "kernel"}}));
}

TEST(Deb, SymbolicLinksAreResolvedInThePackage) {
  // Before its target, by a chain of links, absolute, and from its own folder.
  const Yielded yielded = walk_entries(
      tar_entry("./lib/modules/R/a.ko", "", '2', "../../../usr/./x.dat") +
      tar_entry("./lib/modules/R/b.ko", "", '2', "a.ko") +
      tar_entry("./lib/modules/R/c.ko", "", '2', "/../usr//x.dat") + tar_entry("./usr/x.dat", "m"));
  EXPECT_TRUE(yielded.failures.empty());
  EXPECT_EQ(std::multiset(yielded.files.begin(), yielded.files.end()),
            (std::multiset<Files::value_type>{{"usr/x.dat", "m"},
                                              {"lib/modules/R/a.ko", "m"},
                                              {"lib/modules/R/b.ko", "m"},
                                              {"lib/modules/R/c.ko", "m"}}));
}

TEST(Deb, SymbolicLinksThatSayNothingNewAreNotLookedAtAgain) {
  const Yielded yielded = walk_entries(
      tar_entry("./lib/modules/R/m.ko", "m") +
      tar_entry("./weak-updates/m.ko", "", '2', "/lib/modules/R/m.ko") +
      tar_entry("./boot/vmlinuz-R", "k") + tar_entry("./vmlinuz", "", '2', "boot/vmlinuz-R") +
      tar_entry("./lib/modules/R/build", "", '2', "/usr/src/linux-headers-R"));
  EXPECT_TRUE(yielded.end && yielded.failures.empty());
  EXPECT_EQ(yielded.files, (Files{{"lib/modules/R/m.ko", "m"}, {"boot/vmlinuz-R", "k"}}));
}

// What a kernel opens under the names of the links, once they are unpacked.
TEST(Deb, LinksLeadThroughFoldersThatAreLinks) {
  const Yielded yielded = walk_entries(
      tar_entry("./opt/k/deep/x.dat", "x") + tar_entry("./opt/k/y.dat", "y") +
      tar_entry("./way", "", '2', "opt/k/deep") + tar_entry("./a.ko", "", '2', "way/x.dat") +
      // The parent of where a link leads, not of where it lies.
      tar_entry("./b.ko", "", '2', "way/../y.dat") +
      // A folder in the place of a link's folder, and a way through two.
      tar_entry("./lib", "", '2', "usr/lib") + tar_entry("./usr/way", "", '2', "/way/..") +
      tar_entry("./lib/c.ko", "", '2', "../way/deep/x.dat") +
      tar_entry("./d.ko", "", '2', "round/x") + tar_entry("./round", "", '2', "round"));
  EXPECT_TRUE(yielded.end);
  EXPECT_EQ(std::set(yielded.files.begin() + 2, yielded.files.end()),
            (std::set<std::pair<std::string, std::string>>{
                {"a.ko", "x"}, {"b.ko", "y"}, {"lib/c.ko", "x"}}));
  EXPECT_EQ(yielded.failures, (std::map<std::string, std::string>{{"p.deb!d.ko", "archive/link"}}));
}

// dpkg leaves the last on the disk, and says nothing.
TEST(Deb, PathsThatAreThereTwiceAreFailures) {
  const Yielded yielded = walk_entries(
      tar_entry("./m.ko", "one") + tar_entry("./README", "1") + tar_entry("./README", "2") +
      tar_entry(".//m.ko", "two") + tar_entry("./boot/vmlinuz", "k") +
      tar_entry("./boot/vmlinuz", "", '2', "/etc/k") + tar_entry("./n.ko", "n"));
  EXPECT_TRUE(yielded.end);
  EXPECT_EQ(yielded.files.size(), 6U);
  EXPECT_EQ(yielded.failures.size(), 2U);
  EXPECT_EQ(yielded.failures.at("p.deb!/m.ko"), "archive/corrupt");
  EXPECT_EQ(yielded.failures.at("p.deb!boot/vmlinuz"), "archive/corrupt");
}

TEST(Deb, LinksToNothingAreFailures) {
  const Yielded yielded =
      walk_entries(tar_entry("./a.ko", "", '2', "b.ko") + tar_entry("./b.ko", "", '2', "a.ko") +
                   tar_entry("./c.ko", "", '1', "./nothing") +
                   tar_entry("./d.ko", "", '1', "./late") + tar_entry("./late", "x"));
  EXPECT_TRUE(yielded.end);
  for (const char* name : {"p.deb!a.ko", "p.deb!b.ko", "p.deb!c.ko", "p.deb!d.ko"})
    EXPECT_EQ(yielded.failures.count(name), 1U) << name;
  EXPECT_EQ(yielded.failures.at("p.deb!c.ko"), "archive/link");
}

TEST(PackageLinks, HaveALimit) {
  PackageLinks links;
  ArchiveEntry entry{"m.ko", EntryKind::symbolic_link, "x", 0};
  for (std::uint64_t i = 0; i < limits::kLinks; ++i) ASSERT_TRUE(links.add(entry, i));
  EXPECT_FALSE(links.add(entry, limits::kLinks));
  entry.name = "folder";
  for (std::uint64_t i = 0; i < limits::kLinks + 1; ++i) ASSERT_TRUE(links.add(entry, i));
  PackageLinks long_names;
  entry.name = "m.ko";
  entry.target = std::string(limits::kLinkNames, 'x');
  EXPECT_FALSE(long_names.add(entry, 0));
}

TEST(PackageLinks, PathsAreResolved) {
  EXPECT_EQ(resolve_path("a/b", "c"), "a/b/c");
  EXPECT_EQ(resolve_path("a/b", "../c"), "a/c");
  EXPECT_EQ(resolve_path("a/b", "../../../c"), "c");
  EXPECT_EQ(resolve_path("a/b", "/c//d/."), "c/d");
  EXPECT_EQ(resolve_path("", "./c"), "c");
  EXPECT_EQ(resolve_path("a", ".."), "");
}

TEST(Deb, SparseFilesAreRefusedWithoutBeingUnpacked) {
  const Yielded yielded = walk_entries(sparse_tar_entry("./x", 1ULL << 30));
  EXPECT_EQ(yielded.reason(), "archive/unsupported");
  EXPECT_TRUE(yielded.files.empty());
}

const std::string kControl = tar_entry("./control", "Package: p\n") + tar_end();
const std::string kData = tar_entry("./x", "1") + tar_end();

// dpkg-deb/extract.c, extracthalf().
TEST(Deb, MembersAreThoseThatDpkgReads) {
  EXPECT_TRUE(walk(ar_archive({{"debian-binary", "2.0\n"},
                               {"_gpgorigin", "x"},
                               {"control.tar.xz", "?"},
                               {"_other", ""},
                               {"data.tar/", kData},
                               {"data.tar.gz", "not looked at"}}))
                  .end);
  const std::vector<std::vector<ArSampleMember>> wrong = {
      {{"debian-binary", "2.0\n"}, {"data.tar", kData}, {"control.tar", kControl}},
      {{"debian-binary", "2.0\n"}, {"data.tar", kData}},
      {{"debian-binary", "2.0\n"}, {"control.tar", kControl}},
      {{"debian-binary", "2.0\n"},
       {"control.tar", kControl},
       {"data.tarzz", kData},
       {"data.tar", kData}},
      {{"debian-binary", "2.0\n"}, {"control.tar", kControl}, {"other", ""}, {"data.tar", kData}},
      {{"debian-binary", "2.0\n"},
       {"control.tar", kControl},
       {"control.tar", kControl},
       {"data.tar", kData}},
      {{"debian-binary", "2.0\n"}, {"control.tar.lz4", kControl}, {"data.tar", kData}},
      {{"_first", ""}, {"debian-binary", "2.0\n"}, {"control.tar", kControl}, {"data.tar", kData}},
  };
  for (const auto& members : wrong) {
    const Yielded yielded = walk(ar_archive(members));
    EXPECT_EQ(yielded.reason(), "archive/no-member");
    EXPECT_TRUE(yielded.files.empty());
  }
}

TEST(Deb, TheExtensionSaysHowDataIsCompressed) {
  const std::string data = "\x1f\x8b" + std::string(100, '\0');  // gzip by its magic
  EXPECT_EQ(
      walk(ar_archive(
               {{"debian-binary", "2.0\n"}, {"control.tar", kControl}, {"data.tar.gz", kData}}))
          .reason(),
      "codec/corrupt");
  EXPECT_EQ(
      walk(ar_archive({{"debian-binary", "2.0\n"}, {"control.tar", kControl}, {"data.tar", data}}))
          .reason(),
      "archive/corrupt");
}

}  // namespace
}  // namespace assay
