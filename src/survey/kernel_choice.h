// survey/kernel_choice.h - whose rules an artifact is checked by, and how that is known.
//
// What tells of the kernel is, in this order: the user, the release (of the folder that the
// artifact lies in, its vermagic, its banner), its headers. The newest anchor is taken only where
// nothing tells, and every output says so.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "signatures/kernel.h"

namespace assay {

struct KernelChoice {
  KernelId id;
  bool version_assumed = false;
  bool arch_assumed = false;

  bool is_sure() const;
  // "6.1 debian x86_64"; "7.9 as 7.2, mainline x86_64, unproven"; "7.2 mainline x86_64, assumed:
  // version, architecture".
  std::string describe() const;
};

struct KernelClues {
  std::string_view release;  // or a banner
  std::optional<Arch> arch;
  std::optional<KernelVersion> version;  // what the user says
};

KernelChoice choose_kernel(const KernelClues& clues);

}  // namespace assay
