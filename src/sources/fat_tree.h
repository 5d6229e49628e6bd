// sources/fat_tree.h - a FAT file system (formats/fat.h) in an image: the one that firmware boots
// from.

#pragma once

#include <string>

#include "sources/archive.h"

namespace assay {

Result<void> walk_fat(const Content& image, const std::string& name, Nest& nest);

}  // namespace assay
