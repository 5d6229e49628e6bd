// bytes/stamped_file.h - a regular file opened together with its stamp: what is read from it later
// is of the file that the stamp is of, whatever becomes of its name.

#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "bytes/atomic_file.h"
#include "bytes/content.h"
#include "bytes/file_descriptor.h"

namespace assay {

// What becomes of a path that is a symbolic link.
enum class Links : std::uint8_t { follow, refuse };

struct StampedFile {
  FileDescriptor file;
  FileStamp stamp;
};

// As open_file.
Result<StampedFile> open_stamped(const std::string& path, Links links);

// All of it in memory, up to `memory_limit`; beyond that read where it lies, by a descriptor of its
// own.
Result<std::shared_ptr<const Content>> read_stamped(const StampedFile& file,
                                                    std::uint64_t memory_limit);

}  // namespace assay
