// formats/tpm_key_file.h - TPMKey: a key that only one TPM can load, in a file.
//
//   -----BEGIN TSS2 PRIVATE KEY-----        (draft-bottomley-tpm2-keys, 3.1)
//   TPMKey ::= SEQUENCE {
//     type        OBJECT IDENTIFIER                2.23.133.10.1.3: loadable
//     emptyAuth   [0] EXPLICIT BOOLEAN OPTIONAL    its authorization value is empty
//     policy      [1] EXPLICIT ... OPTIONAL
//     secret      [2] EXPLICIT ... OPTIONAL        of importable keys
//     authPolicy  [3] EXPLICIT ... OPTIONAL
//     parent      INTEGER                          the handle of what wraps it
//     pubkey      OCTET STRING                     TPM2B_PUBLIC
//     privkey     OCTET STRING }                   TPM2B_PRIVATE
//
// Written by tpm2-tools (tpm2_encodeobject), tpm2-tss-engine, tpm2-openssl, openssl_tpm2_engine.

#pragma once

#include <cstdint>

#include "base/result.h"
#include "bytes/view.h"

namespace assay {

struct TpmKeyFile {
  bool empty_auth = false;
  std::uint32_t parent = 0;
  View public_area;
  View private_area;
};

// not_a_private_key for what is none, for keys with a policy, and for those that would have to be
// imported. The views are into `der`.
Result<TpmKeyFile> parse_tpm_key_file(View der);

}  // namespace assay
