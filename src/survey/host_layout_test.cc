#include "survey/host_layout.h"

#include <gtest/gtest.h>

#include "platforms/test_host_folder.h"

namespace assay {
namespace {

using namespace test;

Bytes certificate(const std::string& name) { return rsa_certificate("issuer", name).write(); }

std::vector<std::string> paths_of(const HostLayout& layout) {
  std::vector<std::string> paths;
  for (const OwnersKey& key : layout.owners_keys)
    paths.push_back(key.certificate_path + " " + key.key_path);
  return paths;
}

HostLayout layout_of(const HostFolder& folder) {
  HostRoot host(folder.path());
  return read_host_layout(host, "6.1.0-56-amd64");
}

// The places that dkms 3 and shim-signed's update-secureboot-policy write to.
TEST(HostLayout, KeysOfTheOwner) {
  HostFolder folder;
  EXPECT_TRUE(layout_of(folder).owners_keys.empty());
  folder.put("/var/lib/dkms/mok.pub", certificate("dkms"));
  EXPECT_EQ(paths_of(layout_of(folder)), std::vector<std::string>{"/var/lib/dkms/mok.pub "})
      << "without its private key";
  folder.put("/var/lib/dkms/mok.key", "key");
  folder.put("/var/lib/shim-signed/mok/MOK.der", certificate("mok"));
  folder.put("/var/lib/shim-signed/mok/MOK.priv", "key");
  EXPECT_EQ(paths_of(layout_of(folder)),
            (std::vector<std::string>{
                "/var/lib/shim-signed/mok/MOK.der /var/lib/shim-signed/mok/MOK.priv",
                "/var/lib/dkms/mok.pub /var/lib/dkms/mok.key"}));
}

TEST(HostLayout, KeysThatDkmsIsTold) {
  HostFolder folder;
  folder.put("/keys/a.der", certificate("a"));
  folder.put("/keys/b.der", certificate("b"));
  folder.put("/etc/dkms/framework.conf",
             "# mok_certificate=/keys/none.der\nmok_certificate=\"/keys/a.der\"\n");
  EXPECT_EQ(paths_of(layout_of(folder)), std::vector<std::string>{"/keys/a.der "});
  folder.put("/etc/dkms/framework.conf.d/own.conf",
             "mok_certificate=/keys/b.der\nmok_signing_key=$HOME/b.key\n");
  EXPECT_EQ(paths_of(layout_of(folder)), std::vector<std::string>{"/keys/b.der "});
  folder.put("/keys/b.der", "no certificate");
  EXPECT_TRUE(layout_of(folder).owners_keys.empty());
}

TEST(HostLayout, ModulesOfDkms) {
  HostFolder folder;
  folder.put("/var/lib/dkms/r8126/10.016/6.1.0-56-amd64/x86_64/module/r8126.ko", "x");
  folder.put("/var/lib/dkms/r8126/10.016/6.1.0-1-amd64/x86_64/module/other.ko", "x");
  folder.put("/var/lib/dkms/r8126/kernel-6.1.0-56-amd64-x86_64", "x");
  const HostLayout layout = layout_of(folder);
  ASSERT_EQ(layout.dkms.size(), 1U) << "for other releases there may be others";
  const DkmsModule* found = layout.find_dkms("r8126.ko.xz");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->version, "10.016");
  EXPECT_EQ(layout.find_dkms("r8125.ko"), nullptr);
}

TEST(HostLayout, PackageManagerAndPendingEnrolment) {
  struct Case {
    const char* text;
    PackageManager expected;
  };
  const Case cases[] = {
      {"PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n", PackageManager::apt},
      {"ID=ubuntu\nID_LIKE=debian\n", PackageManager::apt},
      {"NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", PackageManager::apt},
      {"ID=fedora\n", PackageManager::dnf},
      {"ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n", PackageManager::dnf},
      {"ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", PackageManager::zypper},
      {"ID=arch\nHOME_URL=https://debian.example\n", PackageManager::unknown},
  };
  HostFolder folder;
  for (const Case& one : cases) {
    folder.put("/etc/os-release", one.text);
    EXPECT_EQ(layout_of(folder).packages, one.expected) << one.text;
  }
  EXPECT_FALSE(layout_of(folder).enrolment_pending);
  folder.variable("MokNew", kShimGuid, {1});
  EXPECT_TRUE(layout_of(folder).enrolment_pending);
}

}  // namespace
}  // namespace assay
