// Debian's signed kernels made of the unsigned ones: with the signatures of the source package
// linux-signed-amd64, as its rules make them, and with a key of our own in place of Debian's.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/hex.h"
#include "bytes/view.h"
#include "testing/tool.h"
#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;
using Files = std::map<std::string, Bytes>;

constexpr std::string_view kUnsigned = "-unsigned";

class DebianSigningReal : public testing::Test {
 protected:
  // The packages that scripts/fetch-kernels laid out, copied to where the service works on them:
  // debian/PACKAGE-unsigned/boot/vmlinuz-... .
  void SetUp() override {
    const char* folder = std::getenv("ASSAY_KERNELS");
    ASSERT_NE(folder, nullptr);
    std::vector<fs::path> sources;
    for (const auto& entry : fs::directory_iterator(fs::path(folder) / "signed"))
      if (entry.path().filename().native().starts_with("linux-signed-amd64_"))
        sources.push_back(entry.path());
    ASSERT_FALSE(sources.empty());
    source_ = std::ranges::max(sources);
    fs::create_directories(debian_);
    for (const auto& entry : fs::directory_iterator(source_ / "signatures"))
      packages_.push_back(entry.path().filename());
    for (const std::string& package : packages_)
      fs::copy(source_ / package, debian_ + '/' + package, fs::copy_options::recursive);
  }

  Files signatures() const { return snapshot(source_ / "signatures"); }
  // Of the files that Debian has signed: their names are those of the signatures.
  Files images_of(const std::string& folder) const {
    Files images;
    for (const auto& [name, signature] : signatures()) {
      const std::string file = name.substr(0, name.size() - 4);
      images[file] = read_file(fs::path(folder) / file);
    }
    return images;
  }
  Files signed_by_debian() const {
    Files images;
    for (const auto& [name, signature] : signatures()) {
      const std::string package = name.substr(0, name.find('/'));
      const std::string file = name.substr(package.size(), name.size() - package.size() - 4);
      const std::string bare = package.substr(0, package.size() - kUnsigned.size());
      images[package + file] = read_file(source_ / (bare + file));
    }
    return images;
  }
  void make_own_key() { make_key({.key = key_, .certificate = certificate_}); }

  fs::path source_;
  std::vector<std::string> packages_;
  TemporaryFolder folder_;
  std::string debian_ = folder_ / "debian";
  std::string key_ = folder_ / "key.pem";
  std::string certificate_ = folder_ / "cert.pem";
};

TEST_F(DebianSigningReal, SignedPackagesComeOfUnsignedOnesForAllFlavours) {
  EXPECT_GE(packages_.size(), 3U);
  const Files expected = signed_by_debian();
  ASSERT_EQ(expected.size(), packages_.size());
  EXPECT_NE(images_of(debian_), expected);
  const Ran ran = run_assay({"attach", "--signatures", source_ / "signatures", "-o",
                             folder_ / "signed", "--json", debian_});
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  EXPECT_EQ(ran.summary()["done"], packages_.size());
  EXPECT_TRUE(images_of(folder_ / "signed") == expected);
  // And back.
  const Ran back = run_assay({"excise", "--discard", "-q", "--in-place", folder_ / "signed"});
  ASSERT_EQ(back.status, 0) << back.error;
  EXPECT_TRUE(images_of(folder_ / "signed") == images_of(debian_));
}

// With files.json of the template package: signatures come in the layout that Debian's have, are
// laid in by the same command, and by Debian's own tool as rules.real of the source package does.
TEST_F(DebianSigningReal, TheServicesOwnRequestIsAnswered) {
  make_own_key();
  const std::string made = folder_ / "signatures";
  const Ran ran = run_assay({"sign", "--debian-files", source_ / "files.json", "--key", key_,
                             "--cert", certificate_, "-o", made, debian_});
  ASSERT_EQ(ran.status, 0) << ran.error << ran.out;
  const auto names_of = [](const Files& files) {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files) names.push_back(name);
    return names;
  };
  EXPECT_EQ(names_of(snapshot(made)), names_of(signatures()));
  const Ran attached = run_assay({"attach", "-q", "--signatures", made, "--cert", certificate_,
                                  "-o", folder_ / "signed", debian_});
  ASSERT_EQ(attached.status, 0) << attached.error << attached.out;
  for (const auto& [name, image] : images_of(folder_ / "signed")) {
    run_tool({"sbverify", "--cert", certificate_, (fs::path(folder_ / "signed") / name).native()});
    const std::string by_tool = folder_ / "by-tool";
    write_file(by_tool, read_file(debian_ + '/' + name));
    run_tool({"sbattach", "--attach", made + '/' + name + ".sig", by_tool});
    EXPECT_TRUE(read_file(by_tool) == image) << name;
  }
}

// The same images by sign --prepare, with openssl(1) for the key.
TEST_F(DebianSigningReal, PreparedAndAnsweredIsSigned) {
  ::setenv("SOURCE_DATE_EPOCH", "1782864000", 1);
  make_own_key();
  const std::string requests = folder_ / "requests.json";
  const Ran prepared =
      run_assay({"sign", "-q", "--prepare", requests, "--cert", certificate_, debian_});
  ASSERT_EQ(prepared.status, 0) << prepared.error;
  const Bytes text = read_file(requests);
  Json json = Json::parse(std::string(text.begin(), text.end()));
  EXPECT_EQ(json["requests"].size(), packages_.size());
  for (Json& request : json["requests"])
    request["value"] = to_hex(
        run_tool({"openssl", "pkeyutl", "-sign", "-inkey", key_, "-pkeyopt", "digest:sha256"},
                 *from_hex(request["digest"].get<std::string>())));
  write_file(requests, bytes_of(json.dump()));
  const Ran attached =
      run_assay({"attach", "-q", "--answers", requests, "-o", folder_ / "signed", debian_});
  ASSERT_EQ(attached.status, 0) << attached.error << attached.out;
  const Ran direct = run_assay(
      {"sign", "-q", "--key", key_, "--cert", certificate_, "-o", folder_ / "direct", debian_});
  ASSERT_EQ(direct.status, 0) << direct.error;
  EXPECT_TRUE(images_of(folder_ / "signed") == images_of(folder_ / "direct"));
  for (const auto& [name, image] : images_of(folder_ / "signed"))
    run_tool({"sbverify", "--cert", certificate_, (fs::path(folder_ / "signed") / name).native()});
  ::unsetenv("SOURCE_DATE_EPOCH");
}

}  // namespace
}  // namespace assay
