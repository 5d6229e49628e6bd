// formats/efi_vendor.h - whose EFI variables are whose: a variable is named by its vendor's GUID, too, and
// one of another vendor is another variable (UEFI specification, 8.2; shim's SHIM_LOCK_GUID).

#pragma once

#include <string_view>

namespace assay {

inline constexpr std::string_view kEfiGlobal = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
inline constexpr std::string_view kEfiImageSecurity = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
inline constexpr std::string_view kEfiShimLock = "605dab50-e046-4300-abb6-3dd810dd8b23";

}  // namespace assay
