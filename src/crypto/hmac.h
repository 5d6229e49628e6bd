// crypto/hmac.h - message authentication by a digest (RFC 2104).

#pragma once

#include "crypto/hash.h"

namespace assay {

// For digests whose blocks have 64 bytes: MD5, SHA-1, SHA-224, SHA-256.
Result<Digest> compute_hmac(Hash hash, std::span<const std::uint8_t> key,
                            std::span<const std::uint8_t> bytes);

}  // namespace assay
