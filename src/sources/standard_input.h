// sources/standard_input.h - the path "-": one artifact on standard input.
//
// It has no name, so it is known by its content alone: a compressed module or a package is not.

#pragma once

#include "sources/source.h"

namespace assay {

inline constexpr const char* kStandardInput = "-";

// Reads it to the end, in memory up to limits::kArtifactInMemory, beyond that in a temporary file.
void walk_standard_input(const SourceOptions& options, SourceVisitor& visitor);

}  // namespace assay
