// signatures/prepared_key.h - a certificate's public key, taken apart once for many verifications.
//
// What is wrong with a key does not show when its certificate is parsed but when the kernel first
// verifies with it: the faults are kept here for the rules of signatures/public_key.def.

#pragma once

#include <cstdint>
#include <optional>

#include "crypto/public_key.h"
#include "formats/ber.h"
#include "formats/x509.h"

namespace assay {

// Bytes that an MPI of the kernel can have (MAX_EXTERN_MPI_BITS).
inline constexpr std::size_t kMaxNumberSize = 2048;

struct PreparedRsaKey {
  std::optional<BerFault> fault;  // not SEQUENCE { INTEGER, INTEGER }
  bool has_modulus = false;       // not empty
  bool has_exponent = false;      // not empty, and not longer than the modulus
  View modulus;
  View exponent;
  bool exponent_fits = false;  // into an MPI
  std::size_t limb_size = 0;   // bytes of the modulus, rounded up to the kernel's 64-bit limbs
  std::optional<RsaKey> key;
};

// crypto/ecdsa.c ecdsa_set_pub_key: 04, then x and y in halves that fill as many 64-bit digits as
// the curve has. 6.1 wants the digits full, and passes over one byte that follows; 6.12 and 7.2 do
// neither.
struct PreparedEcKey {
  std::optional<EcdsaKey> key;  // nothing when the point is none of the curve
  bool fits_61 = false;
  bool fits_612 = false;
};

class PreparedKey {
 public:
  explicit PreparedKey(const Certificate& certificate);

  const PreparedRsaKey& rsa() const { return rsa_; }
  const PreparedEcKey& ec() const { return ec_; }
  View bytes() const { return bytes_; }

 private:
  View bytes_;
  PreparedRsaKey rsa_;
  PreparedEcKey ec_;
};

// The curve that the key's parameters name; Oid::unknown for anything else. `well_formed` says
// whether they are an object identifier with a one-octet length (the kernel's parse_OID).
Oid named_curve(View key_params, bool& well_formed);

}  // namespace assay
