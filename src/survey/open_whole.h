// survey/open_whole.h - a file that is opened to be read to its end.

#pragma once

#include <memory>
#include <string>

#include "bytes/content.h"

namespace assay {

// Most artifacts are small: one read of the whole file is cheaper than several small ones. A large
// file is read piece by piece.
Result<std::unique_ptr<Content>> open_whole(const std::string& path);

}  // namespace assay
