#include "sources/file_attributes.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "bytes/file_descriptor.h"

namespace assay {

namespace {

// The kernel's limits for a list of names and for a value (include/uapi/linux/limits.h).
constexpr std::size_t kLargest = 65536;

Error cannot_read(const std::string& path, std::string_view what) {
  return {Reason::cannot_read, {}, path, std::string(what) + ": " + std::strerror(errno)};
}

// include/uapi/linux/fs.h, struct fsuuid2, since Linux 6.9.
struct FsUuid2 {
  std::uint8_t size = 0;
  std::array<std::uint8_t, 16> uuid{};
};

// What only the file system's own calls tell; where it has none, nothing.
void ask_filesystem(const std::string& path, FileAttributes& attributes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return;
  int generation = 0;
  if (::ioctl(file.get(), FS_IOC_GETVERSION, &generation) == 0)
    attributes.generation = static_cast<std::uint32_t>(generation);
  FsUuid2 uuid;
  constexpr unsigned long kGetUuid = _IOR(0x15, 0, FsUuid2);
  if (::ioctl(file.get(), kGetUuid, &uuid) == 0 && uuid.size == uuid.uuid.size())
    attributes.filesystem_uuid = uuid.uuid;
  constexpr std::size_t kLargestDigest = 64;
  struct {  // fsverity_digest
    std::uint16_t algorithm = 0;
    std::uint16_t size = kLargestDigest;
    std::array<std::uint8_t, kLargestDigest> digest{};
  } verity;
  if (::ioctl(file.get(), FS_IOC_MEASURE_VERITY, &verity) != 0) return;
  const std::size_t size = std::min<std::size_t>(verity.size, kLargestDigest);
  attributes.verity.emplace(verity.algorithm,
                            std::vector(verity.digest.begin(), verity.digest.begin() + size));
}

}  // namespace

bool has_security_ima(const std::string& path) {
  return ::getxattr(path.c_str(), "security.ima", nullptr, 0) >= 0;
}

Result<std::optional<std::vector<std::uint8_t>>> read_attribute(const FileDescriptor& file,
                                                                const char* name) {
  // Enough for signatures; one by a post-quantum key is longer.
  std::vector<std::uint8_t> value(1024);
  ssize_t got = ::fgetxattr(file.get(), name, value.data(), value.size());
  if (got < 0 && errno == ERANGE) {
    value.resize(kLargest);
    got = ::fgetxattr(file.get(), name, value.data(), value.size());
  }
  if (got < 0 && (errno == ENODATA || errno == ENOTSUP)) return std::nullopt;
  if (got < 0) return std::unexpected(cannot_read({}, name));
  value.resize(static_cast<std::size_t>(got));
  return value;
}

Result<FileAttributes> read_file_attributes(const std::string& path) {
  FileAttributes attributes;
  struct stat status{};
  struct statfs filesystem{};
  if (::stat(path.c_str(), &status) != 0 || ::statfs(path.c_str(), &filesystem) != 0)
    return std::unexpected(cannot_read(path, "stat"));
  attributes.owner = status.st_uid;
  attributes.group = status.st_gid;
  attributes.mode = static_cast<std::uint16_t>(status.st_mode);
  attributes.inode_number = status.st_ino;
  ask_filesystem(path, attributes);
  attributes.filesystem_magic = static_cast<std::uint32_t>(filesystem.f_type);
  // Where there are none, listxattr(2) finds none, and does not say why.
  if (::getxattr(path.c_str(), "security.ima", nullptr, 0) < 0 && errno == ENOTSUP)
    return attributes;
  std::vector<char> names(kLargest);
  const ssize_t size = ::listxattr(path.c_str(), names.data(), names.size());
  if (size < 0) return std::unexpected(cannot_read(path, "extended attributes"));
  attributes.has_xattrs = true;
  std::string_view left(names.data(), static_cast<std::size_t>(size));
  std::vector<std::uint8_t> value(kLargest);
  while (!left.empty()) {
    const std::string name(left.substr(0, left.find('\0')));
    left.remove_prefix(std::min(name.size() + 1, left.size()));
    if (!name.starts_with("security.")) continue;
    const ssize_t got = ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
    if (got < 0 && errno == ENODATA) continue;  // gone since
    if (got < 0) return std::unexpected(cannot_read(path, name));
    attributes.security[name].assign(value.begin(), value.begin() + got);
  }
  return attributes;
}

}  // namespace assay
