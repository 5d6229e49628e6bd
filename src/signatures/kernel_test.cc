#include "signatures/kernel.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(KernelVersion, OfReleases) {
  struct Case {
    std::string_view release;
    std::optional<KernelVersion> version;
  };
  const Case cases[] = {
      {"6.1.0-56-amd64", KernelVersion{6, 1}},
      {"6.12", KernelVersion{6, 12}},
      {"7.2.13+deb14-amd64", KernelVersion{7, 2}},
      {"6.12-rc1", KernelVersion{6, 12}},
      {"10.100.1", KernelVersion{10, 100}},
      {"6", std::nullopt},
      {"6.", std::nullopt},
      {".1", std::nullopt},
      {"-6.1", std::nullopt},
      {"v6.1", std::nullopt},
      {"", std::nullopt},
      {"99999999999.1", std::nullopt},
  };
  for (const Case& one : cases)
    EXPECT_EQ(find_kernel_version(one.release), one.version) << one.release;
  EXPECT_EQ(to_string(KernelVersion{6, 12}), "6.12");
  EXPECT_LT((KernelVersion{6, 2}), (KernelVersion{6, 12}));
}

TEST(Variant, NamesRoundTrip) {
  for (std::size_t i = 0; i < kVariantCount; ++i) {
    const auto variant = static_cast<Variant>(i);
    EXPECT_EQ(find_variant(variant_name(variant)), variant);
  }
  EXPECT_FALSE(find_variant("Debian"));
}

TEST(Variant, IsGuessedFromReleasesAndBanners) {
  struct Case {
    std::string_view text;
    std::optional<Variant> variant;
  };
  const Case cases[] = {
      {"6.1.0-56-amd64", Variant::debian},
      {"6.12.117+deb12-cloud-amd64", Variant::debian},
      {"6.1.0-40-powerpc64le", Variant::debian},
      {"Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) #1 SMP Debian 6.1.192-2",
       Variant::debian},
      {"6.12.117+deb13", Variant::debian},
      {"#1 SMP Debian 6.1.192-2", Variant::debian},
      {"6.1.0-56-amd64x", std::nullopt},
      {"6.8.0-31-lowlatency", Variant::ubuntu},
      {"6.8.0-31-generic", Variant::ubuntu},
      {"Linux version 6.8.0 (x@y) #31-Ubuntu SMP", Variant::ubuntu},
      {"6.11.4-301.fc41.x86_64", Variant::fedora},
      {"5.14.0-503.el9.x86_64", Variant::fedora},
      {"6.4.0-150600.21-default", Variant::suse},
      // Built by their users on Debian, Ubuntu and Fedora: the compiler is the distribution's.
      {"Linux version 6.1.192 (me@home) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils "
       "for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Sun Nov 22 10:00:00 UTC 2026",
       std::nullopt},
      {"Linux version 7.2.0 (me@home) (gcc (Ubuntu 13.2.0-23ubuntu4) 13.2.0, GNU ld) #2 SMP",
       std::nullopt},
      {"Linux version 7.2.0 (me@x.elastic.el5) (gcc (GCC) 14.2.1-3.fc41) #1 SMP", std::nullopt},
      {"Linux version 6.1.0-56-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) "
       "12.2.0, GNU ld 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-06-01)",
       Variant::debian},
      {"6.1.0-rt (debian-kernel@lists.debian.org) #1 SMP", Variant::debian},
      {"6.1.0.elan", std::nullopt},
      {"6.1.0", std::nullopt},
      {"", std::nullopt},
  };
  for (const Case& one : cases) EXPECT_EQ(guess_variant(one.text), one.variant) << one.text;
}

struct ScopeCase {
  std::string_view name;
  Scope scope;
  // At 5.10, 6.1, 6.2, 6.6, 6.11, 6.12, 6.13, 7.1, 7.2, 8.0: n, y or ? (unknown).
  std::string_view answers;
  std::string_view described;
};

constexpr KernelVersion kVersions[] = {{5, 10}, {6, 1},  {6, 2}, {6, 6}, {6, 11},
                                       {6, 12}, {6, 13}, {7, 1}, {7, 2}, {8, 0}};

const ScopeCase kScopes[] = {
    {"everywhere", Scope(), "yyyyyyyyyy", ""},
    {"since 6.1", Scope::since(kAnchor61), "yyyyyyyyyy", ""},
    {"since 6.12", Scope::since(kAnchor612), "nn???yyyyy", "since at most 6.12"},
    {"since 6.12, exactly 6.7", Scope::since(kAnchor612, KernelVersion{6, 7}), "nnnnyyyyyy",
     "since 6.7"},
    {"since 7.2", Scope::since(kAnchor72), "nnnnnn??yy", "since at most 7.2"},
    {"until 6.1", Scope::until(kAnchor61), "yy???nnnnn", "until at least 6.1"},
    {"until 6.1, ends with 6.7", Scope::until(kAnchor61, KernelVersion{6, 7}), "yyyynnnnnn",
     "until before 6.7"},
    {"until 6.12", Scope::until(kAnchor612), "yyyyyy??nn", "until at least 6.12"},
    {"6.12 only", Scope::since(kAnchor612).and_until(kAnchor612), "nn???y??nn", "6.12 to 6.12"},
};

TEST(Scope, CoversAnchorsAndLeavesOpenWhatDiffersBetween) {
  for (const ScopeCase& one : kScopes) {
    std::string answers;
    for (const KernelVersion version : kVersions)
      switch (one.scope.covers({version, Variant::debian, Arch::arm64})) {
        case Truth::no: answers += 'n'; break;
        case Truth::yes: answers += 'y'; break;
        case Truth::unknown: answers += '?'; break;
      }
    EXPECT_EQ(answers, one.answers) << one.name;
    EXPECT_EQ(one.scope.describe(), one.described) << one.name;
  }
}

TEST(Scope, CoversVariantsAndArchitecturesThatItNames) {
  const Scope scope =
      Scope::since(kAnchor612).in(Variant::debian).in(Variant::fedora).on(Arch::s390x);
  for (std::size_t v = 0; v < kVariantCount; ++v)
    for (const Arch arch : {Arch::x86_64, Arch::arm64, Arch::s390x, Arch::ppc64le, Arch::riscv64}) {
      const auto variant = static_cast<Variant>(v);
      const bool named =
          (variant == Variant::debian || variant == Variant::fedora) && arch == Arch::s390x;
      EXPECT_EQ(scope.covers({kAnchor72, variant, arch}), truth(named));
      EXPECT_EQ(scope.covers({kAnchor61, variant, arch}), Truth::no);
      // What another variant does is known even where the version leaves it open.
      EXPECT_EQ(scope.covers({{6, 6}, variant, arch}), named ? Truth::unknown : Truth::no);
    }
  EXPECT_EQ(scope.describe(), "since at most 6.12, debian, fedora, s390x");
}

}  // namespace
}  // namespace assay
