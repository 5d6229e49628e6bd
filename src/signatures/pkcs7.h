// signatures/pkcs7.h - a PKCS#7 message as the kernel parses and verifies it, up to the question of
// trust (which is asked in trust/validate_trust.h).
//
// Mirrors crypto/asymmetric_keys/pkcs7_parser.c and pkcs7_verify.c.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "signatures/evidence.h"
#include "signatures/kernel_crypto.h"
#include "signatures/walk.h"

namespace assay {

// What a signature is for: the kernel's enum key_being_used_for.
enum class Usage : std::uint8_t { module, firmware, kexec_pe, unspecified, bpf };

// What of a platform bears on a signature.
struct SignatureContext {
  KernelCrypto crypto;
  Blocklist blocklist;
  // CONFIG_PKCS7_WAIVE_AUTHATTRS_REJECTION_FOR_MLDSA (7.2).
  Truth waive_mldsa_attributes = Truth::no;
};

// An embedded certificate, as pkcs7_verify and pkcs7_validate_trust mark it.
struct Pkcs7Certificate {
  const PreparedCertificate* prepared = nullptr;
  CertificateState state;
  int signer = -1;  // the embedded certificate that issued it, once the chain was walked
  bool seen = false;
  bool verified = false;
};

struct Pkcs7Signer {
  const CmsSigner* cms = nullptr;
  Hash hash = Hash::sha256;
  KeyKind kind = KeyKind::rsa;
  int certificate = -1;  // the embedded certificate that it names
  bool blacklisted = false;
  bool unsupported_crypto = false;
  SignatureValue signature{};  // what verify_public_key is asked
};

class Pkcs7 {
 public:
  Pkcs7(const SignatureEvidence& evidence, const SignatureContext& context)
      : evidence_(evidence), context_(context) {}

  // pkcs7_parse_message. To be called first.
  Outcome parse(Walk& walk);
  // pkcs7_verify: the message is consistent with itself and with the data.
  Outcome verify(Walk& walk, Usage usage);

  const SignatureEvidence& evidence() const { return evidence_; }
  const SignatureContext& context() const { return context_; }
  std::vector<Pkcs7Certificate>& certificates() { return certificates_; }
  std::vector<Pkcs7Signer>& signers() { return signers_; }

 private:
  Outcome check_usage(Walk& walk, Usage usage);
  Outcome verify_one(Walk& walk, Pkcs7Signer& signer, std::size_t index);
  Outcome digest(Walk& walk, Pkcs7Signer& signer, std::size_t index);
  Outcome verify_chain(Walk& walk, Pkcs7Signer& signer);
  int find_issuer(const Certificate& certificate, bool& by_id) const;
  void mark_blacklisted(Pkcs7Signer& signer, int certificate);

  const SignatureEvidence& evidence_;
  const SignatureContext& context_;
  std::vector<Pkcs7Certificate> certificates_;
  std::vector<Pkcs7Signer> signers_;
};

}  // namespace assay
