// The list of Debian's kernel: of the package, whose modules are signed, and of the same modules
// without their signatures, which somebody who rebuilt them would have. Bodies are cut by Python.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/cli/run_assay.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReference = R"(
import hashlib, os, struct, sys
marker = b"~Module signature appended~\n"
for folder, _, files in os.walk(sys.argv[1]):
    for name in files:
        if name.endswith(".ko"):
            path = os.path.join(folder, name)
            data = open(path, "rb").read()
            assert data.endswith(marker)
            body = data[:-40 - struct.unpack(">I", data[-32:-28])[0]]
            open(path, "wb").write(body)
            print(hashlib.sha256(body).hexdigest(), end="")
)";

std::string cloud_package(bool is_unsigned) {
  const char* folder = std::getenv("ASSAY_KERNELS");
  if (folder == nullptr) return {};
  const std::regex wanted(std::string("linux-image-6[.]1[.]0-[0-9]+-cloud-amd64") +
                          (is_unsigned ? "-unsigned" : "") + "_.*[.]deb");
  for (const auto& entry : fs::directory_iterator(folder))
    if (std::regex_match(entry.path().filename().string(), wanted)) return entry.path().string();
  return {};
}

std::string list_of(const std::vector<std::string>& paths) {
  std::vector<std::string> arguments = {"guard",  "list",   "-q",
                                        "--name", "debian", "--without-packages"};
  arguments.insert(arguments.end(), paths.begin(), paths.end());
  const Ran ran = run_assay(arguments);
  EXPECT_EQ(ran.status, 0) << ran.error;
  return ran.out;
}

TEST(GuardReal, TheListOfSignedModulesIsThatOfUnsignedOnes) {
  const std::string package = cloud_package(false);
  const std::string counterpart = cloud_package(true);
  ASSERT_FALSE(package.empty() || counterpart.empty());
  const std::string list = list_of({package});
  EXPECT_EQ(list, list_of({counterpart}));
  const TemporaryFolder folder;
  ASSERT_EQ(run_command({"dpkg-deb", "-x", package, folder / "root"}).status, 0);
  const Finished bodies = run_command({"python3", "-c", kReference, folder / "root"});
  ASSERT_EQ(bodies.status, 0) << bodies.error;
  EXPECT_EQ(list, list_of({folder / "root"}));
  EXPECT_EQ(list, list_of({folder / "root", package}));
  std::set<std::string> wanted;
  for (std::size_t at = 0; at < bodies.out.size(); at += 64)
    wanted.emplace(bodies.out.begin() + static_cast<std::ptrdiff_t>(at),
                   bodies.out.begin() + static_cast<std::ptrdiff_t>(at + 64));
  std::set<std::string> digests;
  for (std::size_t at = list.find('\n') + 1; at < list.size(); at = list.find('\n', at) + 1)
    digests.insert(list.substr(at, 64));
  EXPECT_GT(digests.size(), 1000U);
  EXPECT_EQ(digests, wanted);
}

}  // namespace
}  // namespace assay
