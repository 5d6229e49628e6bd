#include "guard/guard_entry.h"

#include <algorithm>

namespace assay {

namespace {

constexpr std::array<std::string_view, 3> kModeNames = {"off", "audit", "enforce"};
constexpr std::array<std::string_view, 3> kVariantNames = {"buffer", "cast", "ima"};

template <class Value, std::size_t Count>
std::optional<Value> find(const std::array<std::string_view, Count>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Value>(found - names.begin());
}

}  // namespace

std::string_view guard_stance_name(GuardStance mode) {
  return kModeNames.at(static_cast<std::size_t>(mode));
}
std::optional<GuardStance> find_guard_stance(std::string_view name) {
  return find<GuardStance>(kModeNames, name);
}
std::string_view guard_variant_name(GuardVariant variant) {
  return kVariantNames.at(static_cast<std::size_t>(variant));
}
std::optional<GuardVariant> find_guard_variant(std::string_view name) {
  return find<GuardVariant>(kVariantNames, name);
}

}  // namespace assay
