// edit/record_limits.h - how large, and how many, the records of one file may be.

#pragma once

#include "base/limits.h"

namespace assay::limits {

// One appended signature. Real ones have less than 10 KiB; sig_len of a hostile file may say 4 GiB,
// all of which would be held in memory.
inline constexpr std::uint64_t kRecord = 16 * kMiB;

// Signatures one behind the other. Kernels read the outermost; two occur, where a distribution signs
// what a build has signed.
inline constexpr std::size_t kRecordLayers = 64;

}  // namespace assay::limits
