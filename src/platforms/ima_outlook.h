// platforms/ima_outlook.h - which files IMA appraises on a platform, as far as its rules are known.
//
// The rules in force where they could be read (initial_rules, custom policies); else those that
// boot puts in force: the architecture's (security/integrity/ima/ima_efi.c, arch/powerpc/kernel/
// ima_arch.c), ima_policy= and what CONFIG_IMA_APPRAISE_REQUIRE_* builds in (ima_policy.c:
// ima_init_policy). A policy that was loaded later replaces all but the architecture's and the
// built-in ones; where it is not known whether there is one, the outlook is not whole.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "judge/kexec.h"
#include "trust/platform.h"

namespace assay {

struct ImaOutlook {
  std::vector<std::string> rules;  // that measure or appraise, as a policy has them
  bool is_whole = false;           // false: there may be others
};

ImaOutlook ima_outlook(const Platform& platform);

// Is what is read for `func` ("KEXEC_KERNEL_CHECK") appraised? Conditions on files and subjects are
// taken to hold.
Truth is_appraised(const ImaOutlook& outlook, std::string_view func);
Truth is_measured(const ImaOutlook& outlook, std::string_view func);

// ima_appraise_signature for kernel images, and whether kexec_load is refused.
ImaForKexec ima_for_kexec(const Platform& platform);

}  // namespace assay
