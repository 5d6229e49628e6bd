#include "bytes/file_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>

namespace assay {

int FileCalls::create(const std::string& path, mode_t mode) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
}
ssize_t FileCalls::write(int file, std::span<const std::uint8_t> bytes) {
  return ::write(file, bytes.data(), bytes.size());
}
int FileCalls::set_attribute(int file, const std::string& name,
                             std::span<const std::uint8_t> value) {
  return ::fsetxattr(file, name.c_str(), value.data(), value.size(), 0);
}
int FileCalls::remove_attribute(int file, const std::string& name) {
  return ::fremovexattr(file, name.c_str());
}
int FileCalls::change_owner(int file, uid_t owner, gid_t group) {
  return ::fchown(file, owner, group);
}
int FileCalls::change_mode(int file, mode_t mode) { return ::fchmod(file, mode); }
int FileCalls::set_times(int file, const timespec times[2]) { return ::futimens(file, times); }
int FileCalls::sync_file(int file) { return ::fsync(file); }
int FileCalls::sync_file_system(int file) { return ::syncfs(file); }
int FileCalls::rename(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str());
}
int FileCalls::remove(const std::string& path) { return ::unlink(path.c_str()); }

FileCalls& FileCalls::system() {
  static FileCalls calls;
  return calls;
}

}  // namespace assay
