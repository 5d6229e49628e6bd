#include "trust/module_hashes.h"

#include <algorithm>

namespace assay {

namespace {

constexpr std::string_view kNames[] = {"list-v3", "merkle-v4", "merkle-v5"};

}  // namespace

std::string_view module_hashes_format_name(ModuleHashesFormat format) {
  return kNames[static_cast<std::size_t>(format)];
}

std::optional<ModuleHashesFormat> find_module_hashes_format(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<ModuleHashesFormat>(found - std::begin(kNames));
}

std::optional<std::vector<FileSha256>> parse_hash_rows(View bytes) {
  if (bytes.size() % kTreeHashSize != 0) return std::nullopt;
  std::vector<FileSha256> rows(bytes.size() / kTreeHashSize);
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::ranges::copy(bytes.bytes().subspan(i * kTreeHashSize, kTreeHashSize), rows[i].begin());
  return rows;
}

}  // namespace assay
