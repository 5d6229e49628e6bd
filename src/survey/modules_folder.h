// survey/modules_folder.h - the folder of modules that an artifact lies in,
// ROOT/lib/modules/RELEASE, and where the kernel of that release is installed beside it.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct ModulesFolder {
  std::string
      root;  // absolute, without '/' at its end: "" for the host's own; "" inside an archive
  std::string release;
};

// Of a file at `path` (absolute or not; links in it are followed only where its spelling says
// nothing), or without a path of `inner_name` in an archive. Nothing when it lies in none.
std::optional<ModulesFolder> find_modules_folder(const std::string& path,
                                                 const std::string& inner_name);

// Where a kernel of this release is installed under `root`.
std::vector<std::string> image_paths(const std::string& root, const std::string& release);
// Where its configuration is, for an image at `path`: beside it, and in the other of the two
// places.
std::vector<std::string> config_paths(const std::string& path, const std::string& release);
// The release whose configuration a file of this name is: boot/config-X, lib/modules/X/config.
std::optional<std::string> release_of_config(const std::string& path,
                                             const std::string& inner_name);

}  // namespace assay
