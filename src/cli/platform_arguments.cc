#include "cli/platform_arguments.h"

#include <algorithm>
#include <filesystem>

#include "base/name.h"
#include "platforms/find_platform.h"

namespace assay {

namespace {

// The platform files in a folder, sorted; none where it is no folder.
Result<std::vector<std::string>> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return files;
  for (auto entry = std::filesystem::directory_iterator(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".toml") files.push_back(entry->path().string());
  if (error)
    return std::unexpected(Error{Reason::cannot_list, {}, error.message(), encode_name(folder)});
  std::ranges::sort(files);
  return files;
}

}  // namespace

Result<LoadedPlatforms> load_platforms(const std::vector<std::string>& arguments) {
  LoadedPlatforms loaded;
  PlatformInputs images;
  for (const std::string& argument : arguments) {
    ASSAY_TRY(std::vector<std::string> names, files_in(argument));
    if (names.empty()) names.push_back(argument);
    for (const std::string& name : names) {
      ASSAY_TRY(Capture capture, find_platform(name, "/", images));
      loaded.platforms.push_back(std::move(capture.platform));
      std::ranges::move(capture.notes, std::back_inserter(loaded.notes));
    }
  }
  return loaded;
}

}  // namespace assay
