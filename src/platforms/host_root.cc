#include "platforms/host_root.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/limits.h"
#include "bytes/pseudo_file.h"

namespace assay {

HostRoot::HostRoot(std::string folder) : folder_(std::move(folder)) {
  while (folder_.ends_with('/')) folder_.pop_back();
}

std::string HostRoot::path(std::string_view inside) const { return folder_ + std::string(inside); }

bool HostRoot::exists(std::string_view inside) const {
  std::error_code ignored;
  return std::filesystem::exists(path(inside), ignored);
}

std::vector<std::string> HostRoot::list(std::string_view inside) const {
  std::vector<std::string> names;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(path(inside), failed), end; !failed && at != end;
       at.increment(failed))
    names.push_back(at->path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::optional<std::vector<std::uint8_t>> HostRoot::bytes(std::string_view inside) {
  auto read = read_pseudo_file(path(inside), limits::kConfig);
  if (read) return std::move(*read);
  note(fmt::format("{} cannot be read: {}", inside, read.error().detail));
  return std::nullopt;
}

std::optional<std::string> HostRoot::text(std::string_view inside) {
  const auto read = bytes(inside);
  if (!read) return std::nullopt;
  std::string text(read->begin(), read->end());
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::optional<bool> HostRoot::flag(std::string_view inside) {
  const auto read = text(inside);
  if (read == "1" || read == "Y") return true;
  if (read == "0" || read == "N") return false;
  if (read) note(fmt::format("{} holds neither 0 nor 1", inside));
  return std::nullopt;
}

void HostRoot::note(std::string text) { notes_.push_back(std::move(text)); }

}  // namespace assay
