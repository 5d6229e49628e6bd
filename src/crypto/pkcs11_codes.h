// crypto/pkcs11_codes.h - PKCS#11's return values by their names.

#pragma once

#include <p11-kit/pkcs11.h>

#include <string>

#include "base/result.h"

namespace assay {

// "CKR_PIN_INCORRECT"; "CKR 0x80000001" for what the standard (2.40, 5.1) does not name.
std::string return_value_name(CK_RV code);

// signer_failed: "token "release": C_Sign: CKR_DEVICE_REMOVED". `where` is what the call was made
// on, and may be empty.
std::unexpected<Error> token_error(const std::string& where, const char* function, CK_RV code);

}  // namespace assay
