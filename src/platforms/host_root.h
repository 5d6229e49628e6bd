// platforms/host_root.h - the files in which a running host tells of its kernel, under a root
// folder.
//
// "/" is this machine; another folder holds the same files of another one, or of a test. What could
// not be read is remembered with its reason, for the notes of platforms/capture.h.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay {

class HostRoot {
 public:
  // `folder` with or without a '/' at its end.
  explicit HostRoot(std::string folder);

  // "/proc/version" -> "/mnt/proc/version".
  std::string path(std::string_view inside) const;
  bool exists(std::string_view inside) const;
  // Names in a folder, sorted; empty where there is none.
  std::vector<std::string> list(std::string_view inside) const;

  // Nothing where the file does not exist or cannot be read; of the latter a note is kept.
  std::optional<std::vector<std::uint8_t>> bytes(std::string_view inside);
  // The same without the newline at its end.
  std::optional<std::string> text(std::string_view inside);
  // A file with "0" or "1", "N" or "Y".
  std::optional<bool> flag(std::string_view inside);

  void note(std::string text);
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  std::string folder_;
  std::vector<std::string> notes_;
};

}  // namespace assay
