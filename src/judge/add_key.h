// judge/add_key.h - what the system call add_key does with a key for one of the kernel's keyrings.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "judge/verdict.h"
#include "signatures/evidence.h"
#include "trust/platform.h"

namespace assay {

// A keyring that add_key can name: one of the kernel's, its .blacklist, or one that users made.
struct TargetRing {
  std::optional<Ring> ring;
  bool is_blacklist = false;  // else, without `ring`: a user's, unrestricted
};

struct AddKeyRequest {
  std::string type;  // "asymmetric", "blacklist", "user"
  std::string description;
  TargetRing target;
  std::shared_ptr<const PreparedCertificate> certificate;  // the payload as a certificate
  std::optional<SignatureEvidence> signature;  // the payload as PKCS#7, over the description
};

// `state` is what the kernel keeps of a certificate that it takes.
Ending add_key(Walk& walk, const AddKeyRequest& request, const Platform& platform,
               CertificateState& state);

}  // namespace assay
