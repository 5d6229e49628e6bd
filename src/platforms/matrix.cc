#include "platforms/matrix.h"

namespace assay {

namespace {

constexpr Selectable kSelectable[] = {
#define SELECTABLE(arch, option, where, note) {Arch::arch, option, where, note},
#include "platforms/matrix.def"
#undef SELECTABLE
};

}  // namespace

const Selectable* find_selectable(Arch arch, std::string_view option) {
  for (const Selectable& row : kSelectable)
    if (row.arch == arch && row.option == option) return &row;
  return nullptr;
}

std::vector<MatrixCell> platform_matrix(std::span<const NamedConfig> configs) {
  std::vector<MatrixCell> cells;
  for (const Arch arch : kMatrixArches) {
    for (const std::string_view option : kMatrixOptions) {
      MatrixCell cell{arch, option, find_selectable(arch, option), {}, {}};
      for (const NamedConfig& one : configs) {
        if (one.arch != arch) continue;
        const bool is_on = one.config.is_on("CONFIG_" + std::string(option)) == Truth::yes;
        (is_on ? cell.on_in : cell.off_in).push_back(one.name);
      }
      cells.push_back(std::move(cell));
    }
  }
  return cells;
}

}  // namespace assay
