// Whole images: what the Debian installer boots, GRUB's rescue disc, and a disc that boots Debian's
// signed files with the modules of a kernel in a squashfs. Other tools say what is in them.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/name.h"
#include "tests/cli/run_assay.h"
#include "tests/real/boot_files.h"

namespace assay {
namespace {

using namespace test;

constexpr BootFile kInstallerInitrd = {"debian-installer-12-netboot-amd64",
                                       "/text/debian-installer/amd64/initrd.gz", "_all"};
constexpr BootFile kInstallerKernel = {"debian-installer-12-netboot-amd64",
                                       "/text/debian-installer/amd64/linux$", "_all"};
constexpr BootFile kRescueDisc = {"grub-rescue-pc_", "/grub-rescue-cdrom.iso$"};
constexpr BootFile kGrub = {"grub-efi-amd64-signed", "/gcdx64.efi.signed"};
constexpr BootFile kCloudKernel = {"linux-image-6.1.", "/boot/vmlinuz-[0-9.-]+-cloud-amd64"};

class ImagesTest : public testing::Test {
 protected:
  // What a script prints, line by line.
  std::set<std::string> lines_of(const std::string& script) {
    const Finished done = run_command(
        {"sh", "-ec",
         "cd '" + folder_.path().string() + "'; export PATH=$PATH:/sbin:/usr/sbin; " + script});
    EXPECT_EQ(done.status, 0) << script << done.error;
    std::set<std::string> lines;
    std::istringstream text(std::string(done.out.begin(), done.out.end()));
    for (std::string line; std::getline(text, line);) lines.insert(line);
    return lines;
  }
  // Names behind `prefix`, with their status.
  static std::map<std::string, std::string> modules_in(const Ran& ran, const std::string& prefix) {
    std::map<std::string, std::string> found;
    for (const Json& line : ran.lines()) {
      const std::string path = line.value("path", "");
      if (path.starts_with(prefix) && path.ends_with(".ko"))
        found[path.substr(prefix.size())] = line.value("status", "");
    }
    return found;
  }
  TemporaryFolder folder_;
};

TEST_F(ImagesTest, ModulesOfTheInstallerAreOfItsKernel) {
  const std::string initrd = find_boot_file(kInstallerInitrd);
  const Ran ran = run_assay(
      {"verify", "--json", "--sandbox=require", initrd, find_boot_file(kInstallerKernel)});
  const auto expected =
      lines_of("zcat '" + initrd + "' | cpio -t --quiet | grep '[.]ko$' | sed 's/^[.][/]//'");
  EXPECT_GT(expected.size(), 500U);
  const auto found = modules_in(ran, encode_name(initrd) + "!");
  EXPECT_EQ(found.size(), expected.size());
  for (const std::string& name : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    EXPECT_EQ(found.at(name), "verified") << name;
  }
}

TEST_F(ImagesTest, FilesOfTheRescueDiscAreThere) {
  const std::string disc = find_boot_file(kRescueDisc);
  const Ran ran = run_assay({"inspect", "--all", "--json", "--sandbox=require", disc});
  EXPECT_EQ(ran.status, 0) << ran.error;
  std::set<std::string> found;
  const std::string prefix = encode_name(disc) + "!";
  for (const Json& line : ran.lines()) {
    const std::string path = line.value("path", "");
    const std::string inner = path.starts_with(prefix) ? path.substr(prefix.size()) : "";
    // Those of the disc itself, not those in its files.
    if (!inner.empty() && inner.find('!') == inner.npos) found.insert(inner);
  }
  const auto expected = lines_of("xorriso -indev '" + disc +
                                 "' -find / -type f 2>/dev/null | sed \"s/^'[/]//; s/'\\$//\"");
  EXPECT_GT(expected.size(), 100U);
  for (const std::string& name : expected)
    EXPECT_TRUE(found.contains(name) || ran.out.find(name + "!") != std::string::npos) << name;
}

// Signed shim, grub and kernel, and the kernel's modules in a squashfs, one of which is damaged.
TEST_F(ImagesTest, ADiscThatBootsDebianIsVerified) {
  const std::string kernel = find_boot_file(kCloudKernel);
  const std::string package =
      std::filesystem::path(kernel).parent_path().parent_path().string();  // FOLDER/images/NAME
  const std::string name = std::filesystem::path(package).filename().string();
  const std::string deb = std::string(std::getenv("ASSAY_KERNELS")) + "/" + name + ".deb";
  const auto modules = lines_of(fmt::format(
      "mkdir -p root disc/live disc/EFI/BOOT; dpkg-deb -x '{}' root; "
      "first=$(find root/lib/modules -name '*.ko' | sort | head -1); "
      "printf X | dd of=$first bs=1 seek=300 conv=notrunc status=none; "
      "cp '{}' disc/EFI/BOOT/BOOTX64.EFI; cp '{}' disc/EFI/BOOT/grubx64.efi; "
      "cp '{}' disc/live/vmlinuz; truncate -s 8M disc/efi.img; mkfs.fat disc/efi.img >log; "
      "mmd -i disc/efi.img ::EFI ::EFI/BOOT; "
      "mcopy -i disc/efi.img disc/EFI/BOOT/BOOTX64.EFI disc/EFI/BOOT/grubx64.efi ::EFI/BOOT; "
      "mksquashfs root/lib disc/live/filesystem.squashfs -comp zstd -Xcompression-level 1 "
      "-quiet -no-progress >log; "
      "xorriso -as mkisofs -quiet -R -o disc.iso -e efi.img -no-emul-boot disc 2>log; "
      "cd root/lib; find modules -name '*.ko' | sort",
      deb, find_boot_file(kShim), find_boot_file(kGrub), kernel));
  EXPECT_GT(modules.size(), 500U);
  const Ran ran = run_assay({"verify", "--json", "--sandbox=require", folder_ / "disc.iso"});
  const auto found = modules_in(ran, folder_ / "disc.iso" + "!live/filesystem.squashfs!");
  ASSERT_EQ(found.size(), modules.size()) << ran.error;
  for (const std::string& module : modules) {
    ASSERT_TRUE(found.contains(module)) << module;
    EXPECT_EQ(found.at(module), module == *modules.begin() ? "bad" : "verified") << module;
  }
  EXPECT_EQ(ran.status, 1);
  for (const char* image : {"EFI/BOOT/BOOTX64.EFI", "efi.img!EFI/BOOT/BOOTX64.EFI",
                            "EFI/BOOT/grubx64.efi", "live/vmlinuz"})
    EXPECT_NE(ran.artifact(std::string("disc.iso!") + image), Json()) << image;
}

}  // namespace
}  // namespace assay
