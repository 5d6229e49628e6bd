// crypto/pkcs11_scheme.h - PKCS#11 URIs (RFC 7512) as text.

#pragma once

#include <string>
#include <string_view>

namespace assay {

inline constexpr std::string_view kPkcs11Scheme = "pkcs11:";

// By its scheme, which has no case (RFC 3986, 3.1). Blanks may stand before it: such a text may
// hold a PIN, and is never taken for the name of a file.
bool is_pkcs11_uri(std::string_view text);
std::string_view without_blanks_before(std::string_view text);
// The URI as it may be shown: without its pin-value.
std::string without_pin(std::string_view uri);

}  // namespace assay
