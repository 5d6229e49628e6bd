// bytes/test_file_calls.h - for the tests of writers: system calls that end a process, or fail,
// where a test wants it.

#pragma once

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "bytes/file_calls.h"

namespace assay {

// Counts the calls, notes their names, and at the one numbered `at` does what a test wants.
class Interposed final : public FileCalls {
 public:
  enum class Do { nothing, die_before, die_after, fail };

  explicit Interposed(Do what = Do::nothing, int at = -1) : what_(what), at_(at) {}

  int create(const std::string& path, mode_t mode) override {
    return step("create", [&] { return FileCalls::create(path, mode); });
  }
  ssize_t write(int file, std::span<const std::uint8_t> content) override {
    // In halves, so that a half-written file is among the crash points.
    const auto part = content.first((content.size() + 1) / 2);
    return step("write", [&] { return FileCalls::write(file, part); });
  }
  int set_attribute(int file, const std::string& name,
                    std::span<const std::uint8_t> value) override {
    return step("setxattr", [&] { return FileCalls::set_attribute(file, name, value); });
  }
  int remove_attribute(int file, const std::string& name) override {
    return step("removexattr", [&] { return FileCalls::remove_attribute(file, name); });
  }
  int change_owner(int file, uid_t owner, gid_t group) override {
    return step("chown", [&] { return FileCalls::change_owner(file, owner, group); });
  }
  int change_mode(int file, mode_t mode) override {
    return step("chmod", [&] { return FileCalls::change_mode(file, mode); });
  }
  int set_times(int file, const timespec times[2]) override {
    return step("utimens", [&] { return FileCalls::set_times(file, times); });
  }
  int sync_file(int file) override {
    return step("fsync", [&] { return FileCalls::sync_file(file); });
  }
  int sync_file_system(int file) override {
    return step("syncfs", [&] { return FileCalls::sync_file_system(file); });
  }
  int rename(const std::string& from, const std::string& to) override {
    return step("rename", [&] { return FileCalls::rename(from, to); });
  }

  const std::vector<std::string>& trace() const { return trace_; }

 private:
  template <class Call>
  auto step(const char* name, Call call) -> decltype(call()) {
    const bool here = static_cast<int>(trace_.size()) == at_;
    trace_.emplace_back(name);
    if (here && what_ == Do::die_before) ::raise(SIGKILL);
    if (here && what_ == Do::fail) {
      errno = EIO;
      return -1;
    }
    const auto result = call();
    if (here && what_ == Do::die_after) ::raise(SIGKILL);
    return result;
  }

  Do what_;
  int at_;
  std::vector<std::string> trace_;
};

}  // namespace assay
