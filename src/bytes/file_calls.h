// bytes/file_calls.h - the system calls that change the file system, in one place, so that tests
// can stop or fail a writer before and after each of them.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>

namespace assay {

// As the system calls of these names: -1 and errno where they fail.
class FileCalls {
 public:
  virtual ~FileCalls() = default;
  // open(2) with O_CREAT | O_EXCL, to write.
  virtual int create(const std::string& path, mode_t mode);
  virtual ssize_t write(int file, std::span<const std::uint8_t> bytes);
  virtual int set_attribute(int file, const std::string& name, std::span<const std::uint8_t> value);
  virtual int remove_attribute(int file, const std::string& name);
  virtual int change_owner(int file, uid_t owner, gid_t group);
  virtual int change_mode(int file, mode_t mode);
  virtual int set_times(int file, const timespec times[2]);
  virtual int sync_file(int file);         // fsync(2)
  virtual int sync_file_system(int file);  // syncfs(2)
  virtual int rename(const std::string& from, const std::string& to);
  virtual int remove(const std::string& path);  // unlink(2)

  static FileCalls& system();
};

}  // namespace assay
