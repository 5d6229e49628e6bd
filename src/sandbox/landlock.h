// sandbox/landlock.h - the half of sandbox/confine.h that takes away files.

#pragma once

#include "sandbox/confine.h"

namespace assay {

// Empty: it holds; else why it does not. Needs no_new_privs.
std::string restrict_files(const ConfinementRules& rules);

}  // namespace assay
