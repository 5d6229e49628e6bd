// crypto/pem.h - PEM armour (RFC 7468), taken off by libcrypto.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay {

struct PemBlock {
  std::string label;  // "CERTIFICATE"
  std::vector<std::uint8_t> der;
};

// All blocks in a text; text between them is passed over. not_pem when a block is damaged, or when
// there is none.
Result<std::vector<PemBlock>> parse_pem(View text);

}  // namespace assay
