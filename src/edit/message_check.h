// edit/message_check.h - whether a PKCS#7 message is a signature of this content, and by whom.
//
// A message with signed attributes names a digest of what it signs. One without, as modules have
// it, is bound to the content by the signature's value alone, which only the signer's key can tell.
// Nobody has to trust that key: this is about the bytes, not about who may sign them.

#pragma once

#include <span>

#include "bytes/content.h"
#include "edit/cms_writer.h"
#include "formats/cms.h"

namespace assay {

struct MessageBinding {
  // Every signature in it is of this content: by the digest that it names, or by its value.
  bool is_bound = false;
  // Every signature's value verifies with the certificate that it names, libcrypto says.
  bool is_verified = false;
};

// Of a detached message over `content`. `certificates`: who may have signed; where there are none,
// the message's own are taken. record_mismatch where a digest is another content's, a value does
// not verify, or nobody of `certificates` signed; bad_record for a message that carries its content
// or has no signer.
Result<MessageBinding> check_message(const CmsMessage& message, const Content& content,
                                     std::span<const SigningCertificate> certificates);

// Of a message of Authenticode in `image`; bad_record without SpcIndirectDataContent.
Result<MessageBinding> check_image_message(const CmsMessage& message, const Content& image,
                                           std::span<const SigningCertificate> certificates);

// Whether the signer is named as this certificate's: by issuer and serial number or key identifier.
bool names_certificate(const CmsSigner& signer, const Certificate& certificate);

}  // namespace assay
