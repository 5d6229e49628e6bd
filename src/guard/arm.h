// guard/arm.h - puts the guard into the running kernel, and proves that it is asked there.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "guard/guard_entry.h"
#include "guard/kernel_facts.h"

namespace assay {

// One way, tried.
struct VariantTrial {
  GuardVariant variant = GuardVariant::buffer;
  bool loads = false;
  bool attaches = false;
  bool with_overlays = false;
  std::string error;  // of what failed
};

struct GuardProbe {
  KernelFacts facts;
  std::vector<VariantTrial> trials;    // in the order in which they are preferred
  std::vector<std::string> modifiers;  // find_return_modifiers
  std::optional<GuardVariant> chosen;  // that a guard would be armed with
  std::string why;                     // it is that one, or none
};
// Loads and attaches each variant, with everything off, and takes it out again.
GuardProbe probe_guard();

struct SelfTest {
  struct Row {
    std::string name;
    std::optional<bool> holds;  // nothing: could not be tried
    std::string detail;
  };
  std::vector<Row> rows;
  // Every row that could be tried holds, and the one that the hooks are called could.
  bool passed() const;
};
// Of the armed guard: is it called, does it refuse, are its digests right, does nobody answer in
// its place. Two loads that cannot succeed are made, which are counted as not listed.
Result<SelfTest> test_guard();

struct Armed {
  VariantTrial variant;
  SelfTest test;
  std::vector<std::string> modules_before;  // loaded before the guard was there
  bool sealed = false;
};
// Nothing stays in the kernel where it fails, or where the self-test does not pass.
Result<Armed> arm_guard(std::span<const GuardEntry> entries, const GuardOptions& options);

}  // namespace assay
