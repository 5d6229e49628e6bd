// What of the guard needs no kernel: its object is a BPF program, its lists of digests.

#include <gtest/gtest.h>

#include "base/hex.h"
#include "guard/digest_file.h"
#include "guard/guard_object.h"
#include "guard/guard_programs.h"

namespace assay {
namespace {

// Of "a" and of nothing, from sha256sum (coreutils 9.1).
constexpr std::string_view kOfA =
    "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
constexpr std::string_view kOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(DigestFile, ReadsWhatSha256sumWrites) {
  const std::string text = std::string(kOfA) + "  a file\n" + std::string(kOfNothing) +
                           " *binary\n\\" + std::string(kOfA) + "  with\\nnewline\n" +
                           std::string(kOfNothing);
  const auto entries = parse_digest_file(text, mask_of(ReadClass::module));
  ASSERT_TRUE(entries) << describe(entries.error());
  ASSERT_EQ(entries->size(), 4U);
  EXPECT_EQ(to_hex((*entries)[0].digest), kOfA);
  EXPECT_EQ(to_hex((*entries)[1].digest), kOfNothing);
  EXPECT_EQ(to_hex((*entries)[2].digest), kOfA);
  EXPECT_EQ(to_hex((*entries)[3].digest), kOfNothing);
  EXPECT_EQ((*entries)[2].source, 3U);
  EXPECT_EQ((*entries)[0].mask, 4U);
}

TEST(DigestFile, RefusesWhatItDoesNot) {
  const std::string digest(kOfA);
  for (const std::string& text : {std::string("\n"), digest.substr(1), digest + " ", digest + "  ",
                                  digest + " a", digest + "\tx", digest.substr(1) + "g  a",
                                  digest + "  a\n\n", std::string("SHA256 (a) = ") + digest}) {
    const auto entries = parse_digest_file(text, 4);
    ASSERT_FALSE(entries) << text;
    EXPECT_EQ(entries.error().reason, Reason::bad_value);
  }
  EXPECT_EQ(parse_digest_file("", 4)->size(), 0U);
}

TEST(Guard, NamesAreFoundAgain) {
  EXPECT_EQ(find_guard_stance("enforce"), GuardStance::enforce);
  EXPECT_FALSE(find_guard_stance("Enforce"));
}

// ELF, 64 bits, little endian, EM_BPF (247, include/uapi/linux/elf-em.h).
TEST(Guard, TheObjectIsForTheBpfMachine) {
  const auto object = guard_object();
  ASSERT_GT(object.size(), 64U);
  const std::array<std::uint8_t, 6> magic = {0x7f, 'E', 'L', 'F', 2, 1};
  EXPECT_TRUE(std::ranges::equal(object.first(6), magic));
  EXPECT_EQ(object[18], 247);
  EXPECT_EQ(object[19], 0);
}

// Between the first hook and the last nothing is to be taken out again.
TEST(Guard, WhatProtectsIsAttachedBeforeWhatDecides) {
  for (const auto variant : {GuardVariant::buffer, GuardVariant::cast, GuardVariant::ima}) {
    const auto names = programs_of(variant, true);
    const auto decides = [](const std::string& name) {
      return name.contains("_read") || name.contains("_load");
    };
    EXPECT_TRUE(std::ranges::is_partitioned(names, std::not_fn(decides)));
    EXPECT_TRUE(decides(names.back()));
  }
}

}  // namespace
}  // namespace assay
