// edit/ima_sign.h - signatures of IMA and EVM made: security.ima over a file as it is stored, and a
// portable security.evm over its attributes, owner and mode.
//
//   version 2   the digest of the file is signed (kernels since 3.7)
//   version 3   type, algorithm and digest are (struct ima_file_id, 7.2)
//
// RSA values are those of evmctl, byte for byte.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "crypto/signer.h"
#include "edit/artifact.h"
#include "edit/cms_writer.h"
#include "edit/sign.h"

namespace assay {

struct ImaSignOptions {
  Hash hash = Hash::sha256;
  std::uint8_t version = 2;
  Existing existing = Existing::refuse;  // of a signature; a digest is replaced
  bool evm = false;                      // and a portable signature of EVM
  // The file that is written has all extended attributes of the artifact; else none but those that
  // are made here. Mode and owner it has.
  bool has_all_attributes = true;
};

// By which the kernel looks for the key: the end of the subject key identifier; without one, as
// evmctl has it, the end of the SHA-1 of the key. The same for all files of a run.
using ImaKeyId = std::array<std::uint8_t, 4>;
Result<ImaKeyId> ima_key_id(const SigningCertificate& certificate);

// Attributes alone change. already_signed, or not_signable: for a digest that IMA has no number
// for, a key that IMA does not verify with, and with `evm` a file whose owner and mode are not
// known.
Result<Edited> sign_ima(const Artifact& artifact, Signer& signer, const ImaKeyId& key_id,
                        const ImaSignOptions& options);

// The same in two steps, without `evm`: what the key is to sign, and security.ima with its answer.
struct PreparedImaSignature {
  Digest digest;                       // that is signed
  std::vector<std::uint8_t> identity;  // which the digest is of, of version 3; else empty
};
Result<PreparedImaSignature> prepare_ima(const Artifact& artifact, const SigningKey& key,
                                         const ImaSignOptions& options);
Result<Edited> finish_ima(const Artifact& artifact, const SigningCertificate& certificate,
                          const ImaSignOptions& options, const SignatureOctets& value);

// The value of security.ima alone, for a file beside the file.
Result<std::vector<std::uint8_t>> make_ima_signature(const Artifact& artifact, Signer& signer,
                                                     const ImaKeyId& key_id,
                                                     const ImaSignOptions& options);

}  // namespace assay
