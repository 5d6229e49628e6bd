// sources/folder.h - a folder of the file system, with all folders in it.
//
// Symbolic links to folders are not followed: what they lead to inside the folder is found anyway,
// and what lies outside was not asked for. A link with a module's or a kernel's name (kmod opens
// it) is yielded under its name, unless the file it leads to is found inside under a name that says
// the same; where it leads out of the folder, or nowhere, that is a failure. Names are sorted, so
// that two runs say the same; files with the usual names of kernel images come first.

#pragma once

#include <string>

#include "sources/source.h"

namespace assay {

void walk_folder(const std::string& path, const SourceOptions& options, SourceVisitor& visitor);

}  // namespace assay
