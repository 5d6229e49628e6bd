// survey/artifact_report.h - what `assay verify` says of one artifact, ready to be printed.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/errno.h"
#include "base/extent.h"
#include "signatures/rule.h"
#include "signatures/walk.h"
#include "survey/content_report.h"
#include "survey/reason.h"

namespace assay {

struct SignatureReport {
  std::string carrier;  // "appended"
  std::string record;   // of IMA and EVM: "security.ima", "security.evm", or the file beside it
  std::string covers;   // what it is over, where that is not the file: "attributes, owner and mode"
  Standing standing = Standing::undetermined;
  std::string signer;  // issuer and serial, or key identifier, as the SignerInfo names it
  std::string issuer;  // its common name
  std::string serial;  // hexadecimal; empty for a signer named by key identifier
  std::string key_identifier;
  std::string hash;       // "sha256"
  std::string digest;     // of the data, hexadecimal
  std::string algorithm;  // "rsaEncryption"
  // The signer's own, where the message carries it (PE): nobody else can have signed so.
  std::optional<BuiltInCertificate> certificate;
  Extent where;
};

struct TrustReport {
  std::string source;       // "option", "image"
  std::string name;         // subject of the certificate that the chain ends in
  std::string fingerprint;  // its SHA-256
  std::string image;        // the kernel image it was found in
  Standing image_standing = Standing::unchecked;
  std::string found_by;  // "symbol", "structure"
};

// What stands beside the verdict on a PE image.
struct PeReport {
  struct ImageDigest {
    std::string verifiers;  // "kernel, firmware, shim"
    std::string algorithm;
    std::string digest;  // empty: none, and why
    std::string refusal;
  };
  std::vector<ImageDigest> digests;
  std::vector<std::string> differences;  // bytes that they do not hash alike
  std::vector<Extent> uncovered;         // of the certificate table, by no signature

  bool is_odd() const { return !differences.empty() || !uncovered.empty(); }
};

struct ArtifactReport {
  std::string path;
  std::string kind;
  std::string format;
  Standing standing = Standing::undetermined;
  bool is_image = false;
  std::optional<TrustReport> trust;
  std::vector<SignatureReport> signatures;
  std::optional<ReasonReport> reason;
  std::optional<PeReport> pe;
  std::optional<ContentReport> contents;  // where asked for
  std::string kernel;                     // whose rules were applied: "6.1 debian x86_64"
  bool kernel_is_sure = true;  // false: `kernel` says what of it is assumed, or not proven
  std::string release;         // the kernel that the artifact belongs to, where it says so
  std::string note;            // what else should be known
  std::vector<Step> steps;     // where an explanation was asked for
};

struct Summary {
  std::uint64_t artifacts = 0;
  std::uint64_t verified = 0;
  std::uint64_t unsigned_ = 0;
  std::uint64_t untrusted = 0;
  std::uint64_t bad = 0;
  std::uint64_t malformed = 0;
  std::uint64_t undetermined = 0;
  std::uint64_t unchecked = 0;
  std::uint64_t images_unverified = 0;
  std::uint64_t skipped = 0;
  std::vector<std::string> empty_paths;  // of those given, as printed: without any artifact

  void add(const ArtifactReport& report);
  std::uint64_t count(Standing standing) const;
};

}  // namespace assay
