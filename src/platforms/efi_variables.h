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

#include "platforms/host_root.h"

namespace assay {

inline constexpr std::string_view kEfiGlobal = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
inline constexpr std::string_view kEfiImageSecurity = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
inline constexpr std::string_view kEfiShimLock = "605dab50-e046-4300-abb6-3dd810dd8b23";

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
