// judge/release_note.h - a module that was built for another release of the kernel, and passes.
//
// With CONFIG_MODVERSIONS same_magic (kernel/module/version.c) passes over the release; what then
// decides is the checksum of each symbol that the module uses, which is not looked at here.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "judge/rules.h"
#include "signatures/walk.h"

namespace assay {

// How the step of a module begins whose release is not the kernel's and is not compared.
inline constexpr std::string_view kBuiltForRelease = "built for release ";

// What is to be said beside the verdict; empty: nothing.
inline std::string release_note(const std::vector<Step>& steps) {
  for (const Step& step : steps)
    if (step.rule == &rules::module_load::vermagic && step.finding == Finding::holds &&
        step.because.starts_with(kBuiltForRelease))
      return step.because.substr(0, step.because.find(':')) +
             ": the checksums of the symbols that it uses (modversions) are not compared here, and "
             "most likely differ";
  return {};
}

}  // namespace assay
