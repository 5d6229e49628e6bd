// sources/squash_tree.h - a squashfs image (sources/squash_volume.h), and its files.

#pragma once

#include <string>

#include "sources/archive.h"

namespace assay {

Result<void> walk_squash(const Content& image, const std::string& name, Nest& nest);

}  // namespace assay
