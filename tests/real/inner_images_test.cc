// Debian's kernels inside other images: in .linux of systemd's stub, in a compressed Image. Their
// own signatures are found there, and are still of the image.

#include <gtest/gtest.h>

#include "tests/cli/run_assay.h"
#include "tests/real/boot_files.h"

namespace assay {
namespace {

using namespace test;

void expect_debians(const Json& inner) {
  EXPECT_EQ(inner["kind"], "kernel-image");
  ASSERT_EQ(inner["records"].size(), 1U) << inner;
  EXPECT_EQ(inner["records"][0]["signers"][0]["issuer"], "CN=Debian Secure Boot CA");
  EXPECT_EQ(inner["records"][0]["is_of_image"], true);
}

// As ukify and dracut make them.
TEST(InnerImages, KernelInSystemdsStub) {
  const TemporaryFolder folder;
  const std::string text = "root=/dev/sda ro";
  write_file(folder / "cmdline", std::vector<std::uint8_t>(text.begin(), text.end()));
  const std::string uki = folder / "uki.efi";
  const std::string kernel = find_boot_file({"linux-image-6.1.", "/boot/vmlinuz-[0-9.-]+-amd64"});
  const Finished made =
      run_command({"x86_64-linux-gnu-objcopy", "--add-section", ".cmdline=" + (folder / "cmdline"),
                   "--change-section-vma", ".cmdline=0x30000", "--add-section", ".linux=" + kernel,
                   "--change-section-vma", ".linux=0x2000000",
                   find_boot_file({"systemd-boot-efi", "/efi/linuxx64.efi.stub"}), uki});
  ASSERT_EQ(made.status, 0) << made.error;
  const Ran ran = run_assay({"inspect", "--json", uki});
  EXPECT_EQ(ran.status, 0) << ran.error;
  EXPECT_EQ(ran.artifact("uki.efi")["pe"]["texts"][".cmdline"], text);
  const Json inner = ran.artifact("uki.efi!.linux");
  EXPECT_EQ(inner["format"], "bzimage");
  EXPECT_EQ(inner["size"], read_file(kernel).size());
  expect_debians(inner);
}

TEST(InnerImages, CompressedImageOfArm64) {
  const TemporaryFolder folder;
  const std::string kernel =
      find_boot_file({"linux-image-6.1.", "/boot/vmlinuz-[0-9.-]+-cloud-arm64", "_arm64"});
  const Finished packed = run_command({"gzip", "-1nc", kernel});
  ASSERT_EQ(packed.status, 0);
  write_file(folder / "Image.gz", packed.out);
  const Ran ran = run_assay({"inspect", "--json", folder / "Image.gz"});
  EXPECT_EQ(ran.status, 0) << ran.error;
  EXPECT_TRUE(ran.artifact("Image.gz")["records"].empty());
  expect_debians(ran.artifact("Image.gz!Image"));
}

}  // namespace
}  // namespace assay
