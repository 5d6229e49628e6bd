#include "platforms/efi_variables.h"

#include <fmt/format.h>

#include "bytes/reader.h"

namespace assay {

namespace {

constexpr std::size_t kAttributes = 4;

std::string variable_path(std::string_view name, std::string_view guid) {
  return fmt::format("/sys/firmware/efi/efivars/{}-{}", name, guid);
}

std::string mok_path(std::string_view name) {
  return fmt::format("/sys/firmware/efi/mok-variables/{}", name);
}

}  // namespace

bool EfiVariables::are_visible() const { return !host_.list("/sys/firmware/efi/efivars").empty(); }

bool EfiVariables::exists(std::string_view name, std::string_view guid) const {
  return host_.exists(variable_path(name, guid));
}

std::optional<EfiVariable> EfiVariables::find(std::string_view name, std::string_view guid) const {
  auto bytes = host_.bytes(variable_path(name, guid));
  if (!bytes) return std::nullopt;
  Reader reader{View(*bytes)};
  const auto attributes = reader.record<kAttributes>();
  if (!attributes) {
    host_.note(fmt::format("{} has no attributes", variable_path(name, guid)));
    return std::nullopt;
  }
  EfiVariable variable;
  variable.attributes = attributes->le32<0>();
  variable.data.assign(bytes->begin() + kAttributes, bytes->end());
  return variable;
}

bool EfiVariables::has_mok(std::string_view name) const { return host_.exists(mok_path(name)); }

std::optional<std::vector<std::uint8_t>> EfiVariables::find_mok(std::string_view name) const {
  return host_.bytes(mok_path(name));
}

}  // namespace assay
