// The artifacts of a golden folder: artifacts.tar.zst, or the folder `artifacts` that it unpacks
// to.

#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "bytes/content.h"

namespace assay::golden {

using OnArtifact = std::function<Result<void>(const std::string& name, const Content& content)>;

// Calls `on_artifact` for each artifact that `wanted` accepts.
Result<void> read_artifacts(const std::string& folder,
                            const std::function<bool(const std::string&)>& wanted,
                            const OnArtifact& on_artifact);

}  // namespace assay::golden
