#include "survey/kernel_choice.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(KernelChoice, SaysWhatIsKnownAndWhatIsAssumed) {
  struct Case {
    KernelClues clues;
    std::string_view text;
    bool sure;
  };
  const Case cases[] = {
      {{"6.1.0-56-amd64", Arch::x86_64, {}}, "6.1 debian x86_64", true},
      {{"Linux version 6.1.0-50-s390x (debian-kernel@lists.debian.org) (gcc) #1 SMP Debian 6.1.176",
        Arch::s390x,
        {}},
       "6.1 debian s390x",
       true},
      {{"6.6.30", Arch::arm64, {}}, "6.6 mainline arm64", true},
      {{"", {}, {}}, "7.2 mainline x86_64, assumed: version, architecture", false},
      {{"notaversion", Arch::arm64, {}}, "7.2 mainline arm64, assumed: version", false},
      {{"notaversion", Arch::arm64, KernelVersion{6, 12}}, "6.12 mainline arm64", true},
      {{"6.12.1", {}, {}}, "6.12 mainline x86_64, assumed: architecture", false},
      {{"7.9.0", Arch::x86_64, {}}, "7.9 as 7.2, mainline x86_64, unproven", false},
      {{"5.10.0-30-amd64", Arch::x86_64, {}}, "5.10 debian x86_64, unknown", false},
      {{"6.8.0-31-generic", Arch::x86_64, {}}, "6.8 ubuntu x86_64, unproven", false},
      {{"6.1.0-56-amd64", Arch::x86_64, kAnchor72}, "7.2 debian x86_64", true},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(choose_kernel(one.clues).describe(), one.text);
    EXPECT_EQ(choose_kernel(one.clues).is_sure(), one.sure) << one.text;
  }
}

}  // namespace
}  // namespace assay
