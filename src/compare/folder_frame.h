// compare/folder_frame.h - what a folder holds beside regular files: folders, symbolic links,
// devices.

#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace assay {

// By the printed path within the folder: what it is, as text ("link to ../a", "folder, mode 0755,
// owner 0:0"). Two that are alike have the same text. Links are not followed. cannot_list where the
// folder cannot be read to its end.
Result<std::map<std::string, std::string>> read_folder_frame(const std::string& folder);

}  // namespace assay
