// sources/disk.h - an image of a disk with partitions (formats/partition_table.h): what lies in the
// second is "disk.img!2!EFI/BOOT/BOOTX64.EFI".

#pragma once

#include <string>

#include "sources/archive.h"

namespace assay {

// A partition that holds nothing that can be opened is a failure, unless it is empty or one for
// swapping.
Result<void> walk_disk(const Content& disk, const std::string& name, Nest& nest);

}  // namespace assay
