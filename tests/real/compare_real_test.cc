// Debian's signed and unsigned kernel packages: what assay compare says of a pair that came from
// one build, signed later.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

struct Package {
  std::string path;
  std::string release;  // "6.1.0-56-cloud-amd64"
};

// The unsigned package of a flavour and its signed counterpart.
std::pair<Package, Package> find_pair(const std::string& flavour) {
  std::pair<Package, Package> pair;
  const char* folder = std::getenv("ASSAY_KERNELS");
  if (folder == nullptr) return pair;
  const std::string start = "linux-image-";
  const std::string end = "-unsigned";
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const std::string package = name.substr(0, name.find('_'));
    if (!package.starts_with(start) || !package.ends_with(end)) continue;
    const std::string release =
        package.substr(start.size(), package.size() - start.size() - end.size());
    const bool is_cloud = release.find("-cloud-") != std::string::npos;
    if (!name.ends_with(".deb") || is_cloud != (flavour == "cloud-amd64")) continue;
    const std::string counterpart = start + release + name.substr(name.find('_'));
    if (!fs::exists(fs::path(folder) / counterpart)) continue;
    pair = {{fs::path(folder) / counterpart, release}, {entry.path(), release}};
  }
  return pair;
}

class DebianPair : public testing::TestWithParam<const char*> {};

// Modules are signed by the build and are the same in both; the image is signed later.
TEST_P(DebianPair, ImageIsTheSameAfterTransplantAndModulesAre) {
  const auto [a, b] = find_pair(GetParam());
  ASSERT_FALSE(a.path.empty()) << "no pair of " << GetParam() << " in $ASSAY_KERNELS";
  const Ran ran = run_assay({"compare", "--json", a.path, b.path});
  EXPECT_EQ(ran.status, 1) << ran.error;
  const Json image = ran.artifact("boot/vmlinuz-" + a.release);
  EXPECT_EQ(image["verdict"], "identical-after-transplant") << image;
  ASSERT_EQ(image["records_a"].size(), 1U);
  EXPECT_EQ(image["records_a"][0]["verified"], true);
  EXPECT_NE(image["records_a"][0]["key"].get<std::string>().find("Debian Secure Boot Signer"),
            std::string::npos);
  EXPECT_EQ(ran.summary()["uncovered_bytes"], 0);
  // What else differs is documentation, whose folders are named after the packages.
  for (const Json& line : ran.lines()) {
    if (line["schema"] != "assay.difference/1" || line["path"] == image["path"]) continue;
    const std::string path = line["path"];
    EXPECT_TRUE(path.starts_with("usr/share/")) << line;
  }
  const Ran modules = run_assay({"verify", "--json", b.path});
  EXPECT_GE(ran.summary()["identical"].get<int>(), modules.summary()["verified"].get<int>());
}

INSTANTIATE_TEST_SUITE_P(Flavours, DebianPair, testing::Values("amd64", "cloud-amd64"));

}  // namespace
}  // namespace assay
