// signatures/openssl_pkcs7.h - would OpenSSL accept a PKCS#7 message, with one certificate to
// trust?
//
// Firmware and shim ask it so (AuthenticodeVerify and Pkcs7Verify in EDK2's BaseCryptLib and in
// shim's Cryptlib): PKCS7_verify over the content, a store of that one certificate, with
// X509_V_FLAG_PARTIAL_CHAIN, X509_V_FLAG_NO_CHECK_TIME and X509_PURPOSE_ANY. Mirrors OpenSSL 3:
// PKCS7_get0_signers, PKCS7_signatureVerify, build_chain, check_extensions, internal_verify. Unlike
// the kernel it wants the certificate of every signer in the message, every signer good, and all
// certificates above a signer's to be of CAs.
//
// Where implementations differ (elliptic curves, MD5 and SHA-1, which builds leave out), or where
// what is written is not DER, the answer is not known.

#pragma once

#include <string>

#include "base/truth.h"
#include "signatures/evidence.h"

namespace assay {

struct OpensslAnswer {
  Truth accepts = Truth::unknown;
  std::string because;  // where not accepted though it names the certificate, or not known: why
};

// Requires that the digests of the signed data were computed (SignatureEvidence::digest_data).
OpensslAnswer ask_openssl(const SignatureEvidence& signature, const PreparedCertificate& trusted);

// The certificate in the message that the signer names by issuer and serial number.
const PreparedCertificate* find_signer_certificate(const SignatureEvidence& signature,
                                                   const CmsSigner& signer);

}  // namespace assay
