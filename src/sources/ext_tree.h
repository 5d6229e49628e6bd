// sources/ext_tree.h - an image of ext2, ext3 or ext4 (sources/ext_volume.h), and its files.

#pragma once

#include <string>

#include "sources/archive.h"

namespace assay {

Result<void> walk_ext(const Content& image, const std::string& name, Nest& nest);

}  // namespace assay
