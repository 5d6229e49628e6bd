#include "platforms/module_hashes_section.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "bytes/whole_file.h"

namespace assay {

Result<std::vector<FileSha256>> read_hash_list(const std::string& path) {
  ASSAY_TRY(const std::vector<std::uint8_t> bytes, read_whole_file(path, limits::kTrustFile));
  auto list = parse_hash_rows(View(bytes));
  if (!list)
    return std::unexpected(
        Error{Reason::bad_length,
              {0, bytes.size()},
              fmt::format("{} bytes, rows of {} expected", bytes.size(), kTreeHashSize),
              path});
  return std::move(*list);
}

std::optional<ModuleHashes> module_hashes_of(const FoundModuleHashes& found,
                                             const KernelConfig& config) {
  if (config.is_on("CONFIG_MODULE_HASHES") != Truth::yes) return std::nullopt;
  if (!found.root) return ModuleHashes{ModuleHashesFormat::list_v3, {}, found.list};
  if (config.is_on("CONFIG_MODULE_AUTH") == Truth::yes)
    return ModuleHashes{ModuleHashesFormat::merkle_v5, found.root, {}};
  if (config.is_on("CONFIG_MODULE_SIG_POLICY") == Truth::yes)
    return ModuleHashes{ModuleHashesFormat::merkle_v4, found.root, {}};
  return std::nullopt;
}

bool needs_no_certificates(const KernelConfig& config) {
  return config.is_on("CONFIG_MODULE_HASHES") == Truth::yes &&
         config.is_on("CONFIG_MODULE_SIG") == Truth::no;
}

Result<std::optional<ModuleHashes>> read_module_hashes(
    TomlSection& section, const std::function<std::string(const std::string&)>& resolve) {
  if (!section.exists()) return std::nullopt;
  ModuleHashes hashes;
  ASSAY_TRY(const auto name, section.text("format"));
  const auto format = find_module_hashes_format(name.value_or(""));
  if (!format) return section.wrong("format", "list-v3, merkle-v4 or merkle-v5");
  hashes.format = *format;
  ASSAY_TRY(const auto root, section.text("root"));
  ASSAY_TRY(const auto levels, section.number("levels"));
  ASSAY_TRY(const auto list, section.text("list"));
  if (hashes.is_list() ? root || levels : list.has_value())
    return section.wrong(hashes.is_list() ? "root" : "list",
                         hashes.is_list() ? "list, for list-v3" : "root and levels, for a tree");
  if (root.has_value() != levels.has_value())
    return section.wrong(root ? "levels" : "root", "root and levels together");
  if (root) {
    const auto hash = parse_module_hash(*root);
    if (!hash) return section.wrong("root", "64 hexadecimal digits");
    if (*levels < 0 || *levels > kModuleTreeLevels) return section.wrong("levels", "0 to 32");
    hashes.root = ModuleRoot{static_cast<std::uint32_t>(*levels), *hash};
  }
  if (list) {
    ASSAY_TRY(hashes.list, read_hash_list(resolve(*list)));
  }
  ASSAY_CHECK(section.nothing_left());
  return std::optional(std::move(hashes));
}

}  // namespace assay
