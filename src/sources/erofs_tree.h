// sources/erofs_tree.h - an EROFS image (sources/erofs_volume.h), and its files.

#pragma once

#include <string>

#include "sources/archive.h"

namespace assay {

Result<void> walk_erofs(const Content& image, const std::string& name, Nest& nest);

}  // namespace assay
