// bytes/file_io.h - whole reads and writes of open files.

#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "bytes/file_descriptor.h"

namespace assay {

// An empty file in $TMPDIR, or in /tmp, that nobody else can find and that goes when it is closed.
Result<FileDescriptor> open_temporary();

// Writes all of `bytes` at the file's own offset, or fails with cannot_write.
Result<void> write_all(const FileDescriptor& file, std::span<const std::uint8_t> bytes);

// Fills `out` with the bytes at `offset`. The number read is less than its size only where the file
// ends.
Result<std::size_t> read_at(const FileDescriptor& file, std::uint64_t offset,
                            std::span<std::uint8_t> out);

}  // namespace assay
