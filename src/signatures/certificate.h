// signatures/certificate.h - a certificate, and what a kernel makes of it.
//
// PreparedCertificate is what does not depend on the kernel: the parsed bytes, the key taken apart,
// the digests of what is signed. check_certificate mirrors x509_cert_parse
// (crypto/asymmetric_keys): the rules of x509.def, the tbs: blocklist, and the verification of a
// self-signature.

#pragma once

#include <array>
#include <memory>
#include <optional>

#include "crypto/hash.h"
#include "formats/x509.h"
#include "signatures/blocklist.h"
#include "signatures/kernel_crypto.h"
#include "signatures/prepared_key.h"
#include "signatures/public_key_verify.h"
#include "signatures/walk.h"

namespace assay {

class PreparedCertificate {
 public:
  // The bytes outlive this object.
  explicit PreparedCertificate(View der);
  // Owns the bytes.
  static std::shared_ptr<const PreparedCertificate> own(std::vector<std::uint8_t> der);

  const Certificate& x509() const { return x509_; }
  const PreparedKey& key() const { return key_; }
  // Digest of tbsCertificate with the certificate's own signature digest; nothing where it has none
  // or libcrypto lacks it.
  const std::optional<Digest>& own_tbs_digest() const { return own_tbs_digest_; }
  const std::optional<Digest>& tbs_sha256() const { return tbs_sha256_; }

 private:
  explicit PreparedCertificate(std::vector<std::uint8_t> der);

  std::vector<std::uint8_t> owned_;
  Certificate x509_;
  PreparedKey key_;
  std::optional<Digest> own_tbs_digest_;
  std::optional<Digest> tbs_sha256_;
};

// What a kernel keeps of a certificate that it could parse.
struct CertificateState {
  KeyKind key_kind = KeyKind::rsa;
  const CertificateAlgorithm* signed_with = nullptr;
  bool unsupported_sig = false;  // the digest of its signature is not available
  bool blacklisted = false;
  bool self_signed = false;  // and its signature verified
};

// x509_cert_parse. On success `state` is filled in.
Outcome check_certificate(Walk& walk, const PreparedCertificate& certificate,
                          const KernelCrypto& crypto, const Blocklist& blocklist,
                          PrimitiveCache& cache, CertificateState& state);

// The signature on `certificate` as one of `issuer`'s key.
Outcome verify_certificate_signature(Walk& walk, const PreparedCertificate& certificate,
                                     const CertificateState& state, KeyKind issuer_kind,
                                     const PreparedKey& issuer, const KernelCrypto& crypto,
                                     PrimitiveCache& cache);

// The rule for a place where the kernel's BER decoder gives up.
Outcome check_ber(Walk& walk, const std::optional<BerFault>& fault, std::string_view log = {});

}  // namespace assay
