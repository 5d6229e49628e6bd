// formats/ima_xattr.h - the extended attributes security.ima and security.evm.
//
// The first byte is the type (security/integrity/integrity.h, enum evm_ima_xattr_type):
//
//   01  digest           of MD5, SHA-1, or the kernel's default algorithm
//   02  HMAC-SHA1        security.evm: 20 bytes
//   03  signature        of the file; in security.evm of its metadata
//   04  algorithm digest
//   05  signature        security.evm: of metadata that travels with the file
//   06  signature        of the fs-verity digest
//
// A signature of version 2 or 3 (struct signature_v2_hdr), behind the type:
//
//      0  version      02: over the digest; 03: over type, algorithm and digest (ima_file_id)
//      1  hash_algo    enum hash_algo
//      2  keyid        32 bits, big endian: the end of the key's identifier
//      6  sig_size     16 bits, big endian
//      8  sig          sig_size bytes; the kernel takes no more and no less
//
// Written by evmctl, rpm and the kernel; read by security/integrity. Any bytes are an attribute:
// what a kernel makes of them is asked in room ima.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "bytes/view.h"

namespace assay {

enum class ImaXattrType : std::uint8_t {
  digest = 1,
  hmac = 2,
  signature = 3,
  digest_ng = 4,
  portable_signature = 5,
  verity_signature = 6,
};

inline constexpr std::size_t kImaSignatureHeaderSize = 9;  // the type included

struct ImaSignature {
  std::uint8_t version = 0;
  std::uint8_t hash_algo = 0;
  std::array<std::uint8_t, 4> keyid{};
  std::uint16_t sig_size = 0;  // as it says; compare with value.size()
  View value;                  // all that follows the header
};

struct ImaXattr {
  View bytes;
  // Behind the end, the kernel's buffer has a zero.
  std::uint8_t type = 0;
  std::uint8_t second = 0;                // the byte after the type: version, or algorithm
  std::optional<ImaSignature> signature;  // when there is more than its header, whatever the type

  bool is(ImaXattrType wanted) const { return type == static_cast<std::uint8_t>(wanted); }
};

ImaXattr read_ima_xattr(View bytes);

// The attribute whose signature this is.
std::vector<std::uint8_t> write_ima_signature(ImaXattrType type, const ImaSignature& signature);

}  // namespace assay
