// bytes/pseudo_file.h - files that the kernel makes up while they are read: /proc, /sys, efivarfs.
//
// They say that they are empty, or a page long, and have to be read to their end; some change
// between two reads, so that one pass has to do.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay {

// The whole file, at most `limit` bytes; nothing where it does not exist. What exists and may not
// be read is an Error.
Result<std::optional<std::vector<std::uint8_t>>> read_pseudo_file(const std::string& path,
                                                                  std::uint64_t limit);

}  // namespace assay
