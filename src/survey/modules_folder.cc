#include "survey/modules_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "platforms/installed_kernel.h"

namespace assay {

namespace {

namespace fs = std::filesystem;

std::optional<ModulesFolder> folder_in(std::string_view path) {
  constexpr std::string_view kModules = "lib/modules/";
  constexpr std::string_view kUsr = "/usr";
  for (auto at = path.rfind(kModules); at != path.npos;
       at = at == 0 ? path.npos : path.rfind(kModules, at - 1)) {
    if (at != 0 && path[at - 1] != '/') continue;
    const std::string_view rest = path.substr(at + kModules.size());
    const std::string_view release = rest.substr(0, rest.find('/'));
    if (release.size() == rest.size() || !is_plain_release(release)) continue;
    std::string_view root = path.substr(0, at == 0 ? 0 : at - 1);
    if (root.ends_with(kUsr)) root.remove_suffix(kUsr.size());
    return ModulesFolder{std::string(root), std::string(release)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<ModulesFolder> find_modules_folder(const std::string& path,
                                                 const std::string& inner_name) {
  if (path.empty()) {
    auto folder = folder_in(inner_name);
    if (folder) folder->root.clear();
    return folder;
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  // ".." behind a link is not where the spelling says.
  const bool is_literal = std::ranges::find(absolute, fs::path("..")) == absolute.end();
  if (!error && is_literal)
    if (auto folder = folder_in(absolute.lexically_normal().native())) return folder;
  const fs::path real = fs::canonical(path, error);
  return error ? std::nullopt : folder_in(real.native());
}

std::vector<std::string> image_paths(const std::string& root, const std::string& release) {
  std::vector<std::string> paths = installed_images(release);
  for (std::string& path : paths) path = root + path;
  return paths;
}

std::vector<std::string> config_paths(const std::string& path, const std::string& release) {
  if (!is_plain_release(release)) return {};
  const std::string folder = fs::path(path).parent_path().native();
  const std::string here = folder.empty() ? "." : folder;
  std::vector<std::string> paths = {fmt::format("{}/config-{}", here, release),
                                    fmt::format("{}/config", here)};
  if (const auto modules = find_modules_folder(path, {}))
    paths.push_back(fmt::format("{}/boot/config-{}", modules->root, release));
  else
    paths.push_back(fmt::format("{}/../lib/modules/{}/config", here, release));
  return paths;
}

std::optional<std::string> release_of_config(const std::string& path,
                                             const std::string& inner_name) {
  constexpr std::string_view kStart = "config-";
  const std::string& name = inner_name.empty() ? path : inner_name;
  const std::string_view file_name = std::string_view(name).substr(name.rfind('/') + 1);
  if (file_name.starts_with(kStart)) return std::string(file_name.substr(kStart.size()));
  if (file_name != "config") return std::nullopt;
  const auto modules = find_modules_folder(path, inner_name);
  return modules ? std::optional(modules->release) : std::nullopt;
}

}  // namespace assay
