#include "judge/guard.h"

#include <gtest/gtest.h>

#include "judge/rules.h"
#include "testing/der.h"

namespace assay {
namespace {

namespace rule = rules::guard;
using Bytes = std::vector<std::uint8_t>;

constexpr ReadMask kModule = mask_of(ReadClass::module);
constexpr ReadMask kCompressed = mask_of(ReadClass::module_compressed);
constexpr ReadMask kImage = mask_of(ReadClass::kexec_image);

GuardDigest filled(std::uint8_t filler) {
  GuardDigest digest;
  digest.fill(filler);
  return digest;
}

// Which list, and what the bytes are: 0x11 those of the file, 0x22 those in it.
struct Case {
  std::string_view name;
  GuardRequest request;
  std::vector<std::pair<std::uint8_t, ReadMask>> rows;
  ReadMask classes;
  const Rule* on_61;  // what decides, nothing: it passes
  const Rule* on_72;
};

GuardState state_of(const Case& one) {
  auto list = std::make_shared<GuardList>();
  list->name = "l";
  list->classes = one.classes;
  for (const auto& [filler, mask] : one.rows) list->rows.push_back({filled(filler), mask, {}});
  make_canonical(*list);
  GuardState state;
  state.classes = one.classes;
  state.list = list;
  return state;
}

Verdict judge(const GuardState& state, GuardRequest request, KernelVersion version,
              std::uint64_t size = 100) {
  const GuardEvidence evidence{{size, filled(0x11), filled(0x11)},
                               GuardBytes{1000, filled(0x22), filled(0x22)}};
  return conclude({version, Variant::debian, Arch::x86_64}, true,
                  [&](Walk& walk) { return judge_guard(walk, state, request, evidence); });
}

const Case kCases[] = {
    {"listed", GuardRequest::finit_module, {{0x11, kModule}}, kModule, nullptr, nullptr},
    {"not listed",
     GuardRequest::finit_module,
     {{0x22, kModule}},
     kModule,
     &rule::listed,
     &rule::listed},
    {"listed as an image",
     GuardRequest::finit_module,
     {{0x11, kImage}},
     kModule | kImage,
     &rule::listed,
     &rule::listed},
    {"from memory", GuardRequest::init_module, {{0x11, kModule}}, kModule, nullptr, nullptr},
    {"from memory, not listed",
     GuardRequest::init_module,
     {},
     kModule,
     &rule::listed,
     &rule::listed},
    // The compressed bytes are a module to 6.1, and have an id of their own in 7.2.
    {"compressed, ELF listed",
     GuardRequest::finit_module_compressed,
     {{0x22, kModule}},
     kModule,
     &rule::listed,
     nullptr},
    {"compressed, file listed",
     GuardRequest::finit_module_compressed,
     {{0x11, kModule}},
     kModule,
     nullptr,
     &rule::listed},
    {"compressed, ELF listed, both decided",
     GuardRequest::finit_module_compressed,
     {{0x22, kModule}},
     kModule | kCompressed,
     &rule::listed,
     &rule::listed},
    {"compressed, both listed",
     GuardRequest::finit_module_compressed,
     {{0x11, kModule | kCompressed}, {0x22, kModule}},
     kModule | kCompressed,
     nullptr,
     nullptr},
    {"a kernel",
     GuardRequest::kexec_image,
     {{0x11, kModule}},
     kModule | kImage,
     &rule::listed,
     &rule::listed},
    {"a kernel that is listed",
     GuardRequest::kexec_image,
     {{0x11, kImage}},
     kImage,
     nullptr,
     nullptr},
    {"a kernel by kexec_load",
     GuardRequest::kexec_load,
     {{0x11, kImage}},
     kImage,
     &rule::has_content,
     &rule::has_content},
    {"a class that is not decided", GuardRequest::kexec_load, {}, kModule, nullptr, nullptr},
};

TEST(Guard, WhatIsHashedAndLookedUp) {
  for (const Case& one : kCases) {
    for (const auto& [version, wanted] :
         {std::pair(kAnchor61, one.on_61), std::pair(kAnchor72, one.on_72)}) {
      const Verdict verdict = judge(state_of(one), one.request, version);
      EXPECT_EQ(verdict.deciding, wanted) << one.name << " " << to_string(version);
      EXPECT_EQ(verdict.decision == Decision::refused, wanted != nullptr) << one.name;
      EXPECT_EQ(verdict.err, wanted == nullptr ? Errno::none : Errno::ekeyrejected) << one.name;
    }
  }
}

// Between 6.12 and 7.2 it is not known whether the compressed bytes have their own id.
TEST(Guard, CompressedBetweenAnchors) {
  const Verdict verdict =
      judge(state_of(kCases[5]), GuardRequest::finit_module_compressed, KernelVersion{6, 18});
  EXPECT_EQ(verdict.decision, Decision::undetermined);
  EXPECT_EQ(verdict.open, std::vector<std::string>{"kernel.version"});
}

TEST(Guard, VariantsAndModes) {
  GuardState state = state_of(kCases[1]);
  state.err = Errno::eacces;
  EXPECT_EQ(judge(state, GuardRequest::finit_module, kAnchor72).err, Errno::eacces);
  state.enforcement = GuardEnforcement::audit;
  const Verdict audited = judge(state, GuardRequest::finit_module, kAnchor72);
  EXPECT_EQ(audited.decision, Decision::allowed_unverified);
  EXPECT_EQ(audited.deciding, &rule::listed);
  state.enforcement = GuardEnforcement::off;
  EXPECT_EQ(judge(state, GuardRequest::finit_module, kAnchor72).deciding, nullptr);

  GuardState ima = state_of(kCases[0]);
  ima.variant = GuardProgram::ima;
  EXPECT_EQ(judge(ima, GuardRequest::finit_module, kAnchor61).decision, Decision::allowed);
  EXPECT_EQ(judge(ima, GuardRequest::init_module, kAnchor61).deciding, &rule::has_file);
}

TEST(Guard, HashesHalfAGiByte) {
  // A block less than 2^23 of 64 bytes.
  constexpr std::uint64_t kMost = (std::uint64_t{1} << 29) - 65;
  const GuardState state = state_of(kCases[0]);
  EXPECT_EQ(judge(state, GuardRequest::finit_module, kAnchor61, kMost).decision, Decision::allowed);
  EXPECT_EQ(judge(state, GuardRequest::finit_module, kAnchor61, kMost + 1).deciding, &rule::size);
}

// A signature is cut off modules alone: what stands behind an initramfs is unpacked.
TEST(Guard, InModeBodyOtherClassesAreWhole) {
  constexpr ReadMask kInitramfs = mask_of(ReadClass::kexec_initramfs);
  const auto decide = [](GuardRequest request, std::uint8_t listed) {
    auto list = std::make_shared<GuardList>();
    list->name = "l";
    list->mode = GuardMode::body;
    list->classes = kModule | kInitramfs;
    list->rows = {{filled(listed), kModule | kInitramfs, {}}};
    GuardState state;
    state.classes = list->classes;
    state.list = list;
    const GuardEvidence evidence{{100, filled(0x11), filled(0x33)}, {}};
    return conclude({kAnchor61, Variant::debian, Arch::x86_64}, true,
                    [&](Walk& walk) { return judge_guard(walk, state, request, evidence); })
        .decision;
  };
  EXPECT_EQ(decide(GuardRequest::kexec_initramfs, 0x11), Decision::allowed);
  EXPECT_EQ(decide(GuardRequest::kexec_initramfs, 0x33), Decision::refused);
  EXPECT_EQ(decide(GuardRequest::finit_module, 0x33), Decision::allowed);
  EXPECT_EQ(decide(GuardRequest::finit_module, 0x11), Decision::refused);
}

}  // namespace
}  // namespace assay
