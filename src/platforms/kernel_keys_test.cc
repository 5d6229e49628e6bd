// What a booted kernel showed.

#include "platforms/kernel_keys.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

// From /proc/keys of a Linux 6.12 that was booted with Secure Boot on.
constexpr std::string_view kRecorded =
    R"(01e903b3 I------     1 perm 1f030000     0     0 asymmetri oracle revoked: 3fafa8629b0be4b54f30d21a547cd67c40810b8f: X509.rsa 40810b8f []
0816061a I------     1 perm 1f0b0000     0     0 keyring   .machine: empty
12df3362 I------     1 perm 1f0f0000     0     0 keyring   .secondary_trusted_keys: 1
14637294 I------     1 perm 1f030000     0     0 asymmetri oracle noskid: 49dd5edab6a8b1103a125127ca9b5ca7d91884ad: X509.rsa []
17973e6a I------     2 perm 09090000     0     0 blacklist bin:570dba510e44182be599e6ac6c0aba0725d6d200c16b5c2168b8979aa4a64fab
1a882ff9 I------     1 perm 0f0f0000     0     0 keyring   .blacklist: 4
0a7b1e35 I--Q---     1 perm 0c030000     0 65534 keyring   .user_reg: 2
213325a3 I------     2 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 12
2a7b2d09 I------     1 perm 1f010000     0     0 asymmetri SnakeOil: 63b8d5ee5df87b9a2f08dde4dba1e606c854dadb: X509.rsa c854dadb []
)";

TEST(KernelKeys, ReadsWhatAKernelShowed) {
  const KernelKeys keys = parse_kernel_keys(kRecorded);
  const std::map<std::string, std::uint64_t, std::less<>> rings = {{".machine", 0},
                                                                   {".secondary_trusted_keys", 1},
                                                                   {".blacklist", 4},
                                                                   {".user_reg", 2},
                                                                   {".builtin_trusted_keys", 12}};
  EXPECT_EQ(keys.rings, rings);
  const std::set<std::string, std::less<>> certificates = {
      "oracle revoked: 3fafa8629b0be4b54f30d21a547cd67c40810b8f",
      "oracle noskid: 49dd5edab6a8b1103a125127ca9b5ca7d91884ad",
      "SnakeOil: 63b8d5ee5df87b9a2f08dde4dba1e606c854dadb"};
  EXPECT_EQ(keys.certificates, certificates);
  const std::set<std::string, std::less<>> hashes = {
      "bin:570dba510e44182be599e6ac6c0aba0725d6d200c16b5c2168b8979aa4a64fab"};
  EXPECT_EQ(keys.hashes, hashes);
}

TEST(KernelKeys, TakesNothingFromTornLines) {
  for (std::size_t size = 0; size < kRecorded.size(); ++size) {
    const KernelKeys keys = parse_kernel_keys(kRecorded.substr(0, size));
    EXPECT_LE(keys.rings.size(), 5U);
    EXPECT_LE(keys.certificates.size(), 3U);
  }
}

}  // namespace
}  // namespace assay
