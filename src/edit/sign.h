// edit/sign.h - signatures made: appended to modules and any other file, in the certificate table
// of PE images.
//
// Signing has three steps, so that the middle one may happen elsewhere (crypto/signer.h, a signing
// service): prepare_signature reads the file and says what is to be signed, the signer answers, and
// finish_signature puts the message in. The file is read again only to be written.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "crypto/signer.h"
#include "edit/artifact.h"
#include "edit/cms_writer.h"
#include "edit/signature_place.h"

namespace assay {

struct SignOptions {
  Hash hash = Hash::sha256;
  Existing existing = Existing::refuse;
  bool by_key_identifier = false;
  // Nothing: as the format has it. Appended signatures have neither certificate nor attributes
  // (kernels refuse attributes there), Authenticode has both.
  std::optional<bool> embeds_certificates;
  bool signed_attributes = false;
  std::optional<std::int64_t> time;  // of signingTime, where there are attributes
  // Behind the end of the file even where it is a PE image.
  bool always_appended = false;
};

struct PreparedSignature {
  RecordPart::Carrier carrier = RecordPart::Carrier::appended;
  PreparedMessage message;
  std::vector<std::uint8_t> content;  // for keys that sign messages
};

// Where the signature goes: already_signed, or not_signable where the format has no place for it.
Result<SignaturePlace> find_signature_place(const Artifact& artifact, const SignOptions& options);

Result<std::unique_ptr<PreparedSignature>> prepare_signature(const Artifact& artifact,
                                                             const SigningKey& key,
                                                             const SignOptions& options);

Result<Edited> finish_signature(const Artifact& artifact, const PreparedSignature& prepared,
                                const SignOptions& options, const SigningKey& key,
                                const SigningCertificate& certificate,
                                const SignatureOctets& value);

// All three.
Result<Edited> sign_artifact(const Artifact& artifact, Signer& signer,
                             const SigningCertificate& certificate, const SignOptions& options);

// SpcIndirectDataContent of an image (Authenticode_PE.docx): a digest, and the file name that every
// tool writes.
DerBytes write_indirect_data(const Digest& digest);

}  // namespace assay
