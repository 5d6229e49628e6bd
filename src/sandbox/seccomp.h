// sandbox/seccomp.h - the half of sandbox/confine.h that takes away system calls: a list of those
// that are left, for the architectures whose numbers it knows.

#pragma once

#include <string>

namespace assay {

// Empty: it holds, for all threads; else why it does not. Needs no_new_privs.
std::string restrict_calls();

}  // namespace assay
