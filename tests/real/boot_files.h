// tests/real/boot_files.h - Debian's boot files that scripts/fetch-kernels has unpacked
// (ASSAY_KERNELS/images).

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "judge/pe_boot.h"
#include "testing/temporary_folder.h"

namespace assay::test {

struct BootFile {
  const char* package;  // the start of its name
  const char* path;     // a regular expression that some part of the file's path matches
  const char* arch = "_amd64";
};

// The file of that path in that package.
inline std::string find_boot_file(const BootFile& wanted) {
  namespace fs = std::filesystem;
  const char* folder = std::getenv("ASSAY_KERNELS");
  if (folder == nullptr) return {};
  std::vector<std::string> found;
  const std::regex path(wanted.path);
  for (const auto& entry : fs::directory_iterator(fs::path(folder) / "images")) {
    const std::string package = entry.path().filename().string();
    if (!package.starts_with(wanted.package) || !package.ends_with(wanted.arch)) continue;
    for (const auto& file : fs::recursive_directory_iterator(entry.path()))
      if (file.is_regular_file() && std::regex_search(file.path().string(), path))
        found.push_back(file.path().string());
  }
  std::ranges::sort(found);
  EXPECT_FALSE(found.empty()) << wanted.package << " " << wanted.path;
  return found.empty() ? std::string() : found.back();
}

inline constexpr BootFile kShim = {"shim-signed_", "/shimx64.efi.signed"};
// The installer's copy of shim.
inline constexpr BootFile kInstallerShim = {"debian-installer-12-netboot-amd64",
                                            "/text/debian-installer/amd64/bootnetx64.efi", "_all"};
// Signed by Debian: what shim starts, and what GRUB does.
inline constexpr BootFile kDebians[] = {
    {"shim-helpers-amd64-signed", "/fbx64.efi.signed"},
    {"shim-helpers-amd64-signed", "/mmx64.efi.signed"},
    {"grub-efi-amd64-signed", "/grubx64.efi.signed"},
    {"grub-efi-amd64-signed", "/gcdx64.efi.signed"},
    {"grub-efi-amd64-signed", "/grubnetx64.efi.signed"},
    {"grub-efi-amd64-signed", "/grubnetx64-installer.efi.signed"},
    {"fwupd-amd64-signed", "/fwupdx64.efi.signed"},
    {"linux-image-6.1.", "/boot/vmlinuz-[0-9.-]+-amd64"},
    {"linux-image-6.1.", "/boot/vmlinuz-[0-9.-]+-cloud-amd64"},
    {"linux-image-6.1.", "/boot/vmlinuz-[0-9.-]+-rt-amd64"},
    {"linux-image-6.12.", "/boot/vmlinuz-"},
    {"linux-image-6.1.", "/boot/vmlinuz-[0-9.-]+-arm64", "_arm64"},
    {"linux-image-6.1.", "/boot/vmlinuz-[0-9.-]+-cloud-arm64", "_arm64"},
    {"debian-installer-12-netboot-amd64", "/text/debian-installer/amd64/linux$", "_all"},
    {"debian-installer-12-netboot-amd64", "/gtk/debian-installer/amd64/linux$", "_all"},
    {"debian-installer-12-netboot-amd64", "/text/debian-installer/amd64/grubx64.efi", "_all"},
};
inline constexpr BootFile kUnsigned[] = {{"memtest86+", "/memtest86\\+x64.efi"},
                                         {"systemd-boot-efi", "/systemd-bootx64.efi"},
                                         {"systemd-boot-efi", "/efi/linuxx64.efi.stub"}};

struct Collected {
  PeEvidence kernel;
  PeBootEvidence boot;
};

inline Collected collect(std::span<const std::uint8_t> bytes) {
  const ViewContent content{View(bytes)};
  auto kernel = collect_pe(content);
  EXPECT_TRUE(kernel);
  auto boot = collect_pe_boot(content, *kernel);
  EXPECT_TRUE(boot);
  return {std::move(*kernel), std::move(*boot)};
}

}  // namespace assay::test
