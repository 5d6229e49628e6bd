// Records of Debian's own packages taken out and put back: all modules of a kernel bit for bit, and
// the signed vmlinuz beside the one of the package that was not signed.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>

#include "crypto/hash.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

std::string kernels() {
  const char* folder = std::getenv("ASSAY_KERNELS");
  return folder == nullptr ? std::string() : std::string(folder);
}

// The one whose name has this beginning and end, of those for amd64.
std::string find_in(const fs::path& folder, const std::string& pattern) {
  std::vector<std::string> found;
  const std::regex wanted(pattern);
  for (const auto& entry : fs::directory_iterator(folder))
    if (std::regex_match(entry.path().filename().native(), wanted))
      found.push_back(entry.path().native());
  std::ranges::sort(found);
  EXPECT_FALSE(found.empty()) << pattern << " in " << folder;
  return found.empty() ? std::string() : found.back();
}

std::string vmlinuz_of(const std::string& flavour, const std::string& suffix) {
  const std::string package =
      find_in(kernels() + "/images", "linux-image-6[.]1[0-9.-]+-" + flavour + suffix + "_.*_amd64");
  return package.empty() ? package : find_in(package + "/boot", "vmlinuz-.*");
}

std::map<std::string, std::string> digests_of(const std::string& folder) {
  std::map<std::string, std::string> digests;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const auto digest = compute_digest(Hash::sha256, read_file(entry.path()));
    digests[entry.path().native()] = digest ? digest->hex() : "";
  }
  return digests;
}

TEST(EditReal, AllModulesOfAKernelComeBackBitForBit) {
  TemporaryFolder folder;
  const std::string package =
      find_in(kernels(), "linux-image-6[.]1[0-9.-]+-cloud-amd64_.*_amd64[.]deb");
  ASSERT_EQ(run_command({"dpkg-deb", "-x", package, folder / "tree"}).status, 0);
  const auto before = digests_of(folder / "tree");
  const Ran taken = run_assay(
      {"excise", "--in-place", "--json", "--records", folder / "records", folder / "tree"});
  ASSERT_EQ(taken.status, 0) << taken.error;
  EXPECT_GT(taken.summary()["done"], 900);
  const auto bare = digests_of(folder / "tree");
  EXPECT_NE(bare, before);
  const Ran unsigned_now = run_assay({"verify", "--json", folder / "tree"});
  EXPECT_EQ(unsigned_now.summary()["unsigned"], unsigned_now.summary()["artifacts"]);
  const Ran put_back = run_assay(
      {"attach", "--in-place", "--json", "--records", folder / "records", folder / "tree"});
  ASSERT_EQ(put_back.status, 0) << put_back.error;
  EXPECT_EQ(put_back.summary()["done"], taken.summary()["done"]);
  EXPECT_EQ(digests_of(folder / "tree"), before);
}

class DebiansImage : public testing::TestWithParam<const char*> {};

TEST_P(DebiansImage, ExcisedIsTheOneOfTheUnsignedPackage) {
  TemporaryFolder folder;
  const std::string signed_image = vmlinuz_of(GetParam(), "");
  const std::string unsigned_image = vmlinuz_of(GetParam(), "-unsigned");
  ASSERT_FALSE(signed_image.empty() || unsigned_image.empty());
  const Ran taken = run_assay({"excise", "--discard", "-o", folder / "bare", signed_image});
  ASSERT_EQ(taken.status, 0) << taken.error;
  EXPECT_TRUE(read_file(folder / "bare") == read_file(unsigned_image));
  // Debian's signing service hands out what sbattach detaches.
  ASSERT_EQ(run_command({"sbattach", "--detach", folder / "sig", signed_image}).status, 0);
  const Ran put_back =
      run_assay({"attach", "--signature", folder / "sig", "-o", folder / "signed", unsigned_image});
  ASSERT_EQ(put_back.status, 0) << put_back.error;
  EXPECT_TRUE(read_file(folder / "signed") == read_file(signed_image));
  // As the rules of Debian's source package for signed kernels have it.
  fs::create_symlink(ASSAY_BINARY, folder / "sbattach");
  fs::copy_file(unsigned_image, folder / "image");
  ASSERT_EQ(run_command({folder / "sbattach", "--attach", folder / "sig", folder / "image"}).status,
            0);
  EXPECT_TRUE(read_file(folder / "image") == read_file(signed_image));
}

INSTANTIATE_TEST_SUITE_P(Flavours, DebiansImage, testing::Values("amd64", "cloud-amd64"));

}  // namespace
}  // namespace assay
