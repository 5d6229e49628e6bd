// bytes/whole_file.h - small files that are read at once: keys, messages, records.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay {

// limit_size for a file of more than `limit` bytes. Errors name the file.
Result<std::vector<std::uint8_t>> read_whole_file(const std::string& path, std::uint64_t limit);

}  // namespace assay
