// survey/only_image.h - the one kernel image that a path given with --kernel holds.

#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "survey/trust_book.h"

namespace assay {

// `path` is an image, or a folder or package with exactly one: image_unknown when there is none or
// more than one.
Result<std::shared_ptr<const ImageTrust>> open_only_image(const std::string& path);

}  // namespace assay
