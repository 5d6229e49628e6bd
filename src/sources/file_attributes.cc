#include "sources/file_attributes.h"

#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace assay {

namespace {

// The kernel's limits for a list of names and for a value (include/uapi/linux/limits.h).
constexpr std::size_t kLargest = 65536;

Error cannot_read(const std::string& path, std::string_view what) {
  return {Reason::cannot_read, {}, path, std::string(what) + ": " + std::strerror(errno)};
}

}  // namespace

bool has_security_ima(const std::string& path) {
  return ::getxattr(path.c_str(), "security.ima", nullptr, 0) >= 0;
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
