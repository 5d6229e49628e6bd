// survey/open_whole.h - a file that is opened to be read to its end.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bytes/content.h"

namespace assay {

// Most artifacts are small: one read of the whole file is cheaper than several small ones. A large
// file is read piece by piece.
Result<std::unique_ptr<Content>> open_whole(const std::string& path);

// What kmod does with a compressed module: the module; nothing where its name does not say that it
// is compressed.
Result<std::unique_ptr<Content>> decompress_module(const Content& content,
                                                   std::string_view file_name);

}  // namespace assay
