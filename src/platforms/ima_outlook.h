// platforms/ima_outlook.h - which files IMA appraises on a platform, as far as its rules are known.
//
// The rules in force where they could be read (initial_rules), else those that boot puts in force
// (ima/state.h), and the custom policies that are known to have been loaded.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "judge/kexec.h"
#include "trust/platform.h"

namespace assay {

struct ImaOutlook {
  std::vector<std::string> rules;  // as the kernel shows them
  // What would have to be known to say that these are all.
  std::vector<std::string> open;
  bool is_whole() const { return open.empty(); }
};

ImaOutlook ima_outlook(const Platform& platform);

// Is what is read for `func` ("KEXEC_KERNEL_CHECK") appraised? Conditions on files and subjects are
// taken to hold.
Truth is_appraised(const ImaOutlook& outlook, std::string_view func);
Truth is_measured(const ImaOutlook& outlook, std::string_view func);

// ima_appraise_signature for kernel images, and whether kexec_load is refused.
ImaForKexec ima_for_kexec(const Platform& platform);

}  // namespace assay
