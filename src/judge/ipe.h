// judge/ipe.h - IPE, Integrity Policy Enforcement (security/ipe, since 6.12): what its active
// policy says to what a kernel reads or runs.
//
// IPE knows files by where they come from (the initramfs, a dm-verity volume) and by fs-verity, not
// by their bytes: a copy of a file that a rule allows, on a file system without fs-verity, is
// another file. Memory has none of these properties: of init_module and kexec_load only rules with
// negative conditions, and defaults, can speak.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "judge/ipe_policy.h"
#include "judge/verdict.h"
#include "trust/kernel_config.h"

namespace assay {

struct IpeState {
  std::shared_ptr<const IpePolicy> policy;  // the active one; nothing: nobody activated one
  bool enforces = true;                     // ipe.enforce=, /sys/kernel/security/ipe/enforce
};

// What the kernel knows of a file. What is left out is not known.
struct IpeFile {
  std::optional<bool> from_initramfs;
  // The volume it lies on. Of one without dm-verity `roothash` is no digest and `signed` false.
  std::optional<IpeDigest> dmverity_roothash;
  std::optional<bool> has_dmverity;
  std::optional<bool> dmverity_signed;
  // fs-verity of the file itself.
  std::optional<IpeDigest> fsverity_digest;
  std::optional<bool> has_fsverity;
  std::optional<bool> fsverity_signed;

  // init_module, kexec_load: no file at all.
  static IpeFile memory();
  // A file on an ordinary volume, with neither dm-verity nor fs-verity.
  static IpeFile plain();
};

// allowed_unverified where no policy is active, or it is not enforced.
Ending judge_ipe(Walk& walk, const IpeState& state, IpeOp op, const IpeFile& file,
                 const KernelConfig& config);

}  // namespace assay
