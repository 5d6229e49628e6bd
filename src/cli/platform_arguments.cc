#include "cli/platform_arguments.h"

#include <algorithm>
#include <filesystem>

#include "base/name.h"
#include "platforms/platform_file.h"

namespace assay {

Result<std::vector<Platform>> load_platforms(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (!std::filesystem::is_directory(argument, error)) {
      files.push_back(argument);
      continue;
    }
    std::vector<std::string> here;
    for (auto entry = std::filesystem::directory_iterator(argument, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
      if (entry->path().extension() == ".toml") here.push_back(entry->path().string());
    if (error)
      return std::unexpected(
          Error{Reason::cannot_list, {}, error.message(), encode_name(argument)});
    if (here.empty())
      return std::unexpected(
          Error{Reason::usage, {}, "no platform file (*.toml) in it", encode_name(argument)});
    std::ranges::sort(here);
    std::ranges::move(here, std::back_inserter(files));
  }
  std::vector<Platform> platforms;
  for (const std::string& file : files) {
    ASSAY_TRY(Platform platform, load_platform(file));
    platforms.push_back(std::move(platform));
  }
  return platforms;
}

}  // namespace assay
