// compare/build_key.h - whether the certificates in which two kernels differ are the keys of their
// modules, and of these alone.

#pragma once

#include <vector>

#include "compare/comparison.h"

namespace assay {

// Settles each difference of two kernels that a certificate may explain: it stays content-equal
// where every signed module of that kernel was signed on each side with the certificate of that
// side, and there is one; else it is different, and says why. To a kernel belong the modules below
// lib/modules/RELEASE, and those that lie in no such folder. `same` are modules that are the same
// byte for byte, which were signed with one key, if any.
void settle_build_keys(std::vector<Difference>& differences,
                       const std::vector<const SideFile*>& same, const Shelf& shelf);

}  // namespace assay
