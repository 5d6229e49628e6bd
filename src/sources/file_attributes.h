// sources/file_attributes.h - what the file system says of a file beside its bytes.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/file_descriptor.h"

namespace assay {

struct FileAttributes {
  std::uint32_t owner = 0;
  std::uint32_t group = 0;
  std::uint16_t mode = 0;              // with the type: S_IFREG
  std::uint64_t filesystem_magic = 0;  // statfs(2)
  bool has_xattrs = false;             // the file system has extended attributes
  std::uint64_t inode_number = 0;
  std::optional<std::uint32_t> generation;                      // FS_IOC_GETVERSION
  std::optional<std::array<std::uint8_t, 16>> filesystem_uuid;  // FS_IOC_GETFSUUID
  // FS_IOC_MEASURE_VERITY: the algorithm's number in fs-verity and the digest; nothing: it has
  // none.
  std::optional<std::pair<std::uint16_t, std::vector<std::uint8_t>>> verity;
  // Those whose names begin with "security.".
  std::map<std::string, std::vector<std::uint8_t>, std::less<>> security;
};

// Has the file a security.ima? One look, which answers no where it cannot be had.
bool has_security_ima(const std::string& path);

// One attribute; nothing where the file has none of this name, or the file system has none at all.
Result<std::optional<std::vector<std::uint8_t>>> read_attribute(const FileDescriptor& file,
                                                                const char* name);

// Links are followed.
Result<FileAttributes> read_file_attributes(const std::string& path);

}  // namespace assay
