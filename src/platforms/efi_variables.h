// platforms/efi_variables.h - EFI variables and shim's copies of them, as a running host shows
// them.
//
//   /sys/firmware/efi/efivars/NAME-GUID      le32 attributes, then the data (efivarfs)
//   /sys/firmware/efi/mok-variables/NAME     the data (the configuration table that shim leaves)

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/efi_vendor.h"
#include "platforms/host_root.h"

namespace assay {

struct EfiVariable {
  std::uint32_t attributes = 0;
  std::vector<std::uint8_t> data;
};

inline constexpr std::uint32_t kEfiNonVolatile = 1;  // EFI_VARIABLE_NON_VOLATILE

class EfiVariables {
 public:
  explicit EfiVariables(HostRoot& host) : host_(host) {}

  // Is efivarfs there, so that a variable that is not found does not exist?
  bool are_visible() const;
  bool exists(std::string_view name, std::string_view guid) const;
  std::optional<EfiVariable> find(std::string_view name, std::string_view guid) const;
  // An entry of the MOK variable table.
  bool has_mok(std::string_view name) const;
  std::optional<std::vector<std::uint8_t>> find_mok(std::string_view name) const;

 private:
  HostRoot& host_;
};

}  // namespace assay
