// testing/temporary_folder.h - a folder that is gone when the test is.

#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace assay {

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::vector<std::uint8_t> read_file(const std::filesystem::path& path);
// Makes the folders that lead there, too.
void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);

}  // namespace assay
