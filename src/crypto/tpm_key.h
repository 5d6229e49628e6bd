// crypto/tpm_key.h - a private key in a TPM 2.0, and a Signer over it: RSASSA (PKCS#1 v1.5) and
// ECDSA, by tpm2-tss.
//
// A TPM does one thing at a time: threads wait for each other.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/signer.h"

namespace assay {

// "tpm2:0x81000001", a persistent handle; "tpm2:FILE", a key file.
inline bool is_tpm_key(std::string_view text) { return text.starts_with("tpm2:"); }
// The handle of the first form, which a file of such a name is not read for.
std::optional<std::uint32_t> parse_tpm_handle(std::string_view text);

// A key that lies outside, wrapped by a storage key of the TPM.
struct WrappedTpmKey {
  // A persistent handle, or a hierarchy (0x40000001: owner), which stands for the ECC storage key
  // that is made of it.
  std::uint32_t parent = 0;
  std::vector<std::uint8_t> public_area;   // TPM2B_PUBLIC
  std::vector<std::uint8_t> private_area;  // TPM2B_PRIVATE
};

struct TpmOptions {
  // As tpm2-tools have it: "device:/dev/tpmrm0", "swtpm:port=2321"; empty: the first that there is.
  std::string tcti;
  // The key's authorization value; without one it is taken to be empty.
  std::optional<std::string> auth;
};

// crypto_unavailable for keys that do not sign digests so; signer_failed for what the TPM refuses,
// in the words of tpm2-tss.
Result<std::unique_ptr<Signer>> open_tpm_key(std::uint32_t handle, const TpmOptions& options);
Result<std::unique_ptr<Signer>> load_tpm_key(const WrappedTpmKey& key, const TpmOptions& options);

}  // namespace assay
