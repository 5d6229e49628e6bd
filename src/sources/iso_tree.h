// sources/iso_tree.h - an ISO 9660 image (formats/iso9660.h): its files, and those images to boot
// from that are no files in it, "x.iso!El Torito/2!EFI/BOOT/BOOTX64.EFI".

#pragma once

#include <string>

#include "sources/archive.h"

namespace assay {

Result<void> walk_iso(const Content& image, const std::string& name, Nest& nest);

}  // namespace assay
