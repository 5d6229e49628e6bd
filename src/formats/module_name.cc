#include "formats/module_name.h"

#include <array>
#include <utility>

namespace assay {

namespace {

constexpr std::array<std::pair<std::string_view, ModuleName>, 4> kSuffixes = {{
    {".ko", {std::nullopt}},
    {".ko.xz", {Codec::xz}},
    {".ko.gz", {Codec::gzip}},
    {".ko.zst", {Codec::zstd}},
}};

}  // namespace

std::optional<ModuleName> parse_module_name(std::string_view name) {
  for (const auto& [suffix, module] : kSuffixes)
    if (name.ends_with(suffix)) return module;
  return std::nullopt;
}

}  // namespace assay
