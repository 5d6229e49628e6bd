// survey/verify_ima.h - are IMA's and EVM's records of a file good, and in which root do they end?
//
// Each record is asked about by itself, as the kernel asks when a policy wants it: a digest whether
// it is that of the file, a signature whether a trusted key made it. What a policy would do with
// the file is for the judge.

#pragma once

#include <optional>
#include <vector>

#include "ima/evm.h"
#include "survey/artifact_report.h"
#include "survey/trust_book.h"

namespace assay {

struct ImaRecordVerdict {
  SignatureReport signature;
  std::optional<ReasonReport> reason;
  std::optional<TrustReport> trust;  // where it is good
  std::vector<Step> steps;
  std::shared_ptr<const PreparedCertificate> root;
};

// What a file does not say itself of its security.evm.
struct EvmFacts {
  std::optional<EvmKey> key;
  std::optional<FsUuid> fs_uuid;
};

struct ImaVerifyOptions {
  bool explain = false;
  std::optional<KernelVersion> version;
  EvmFacts evm;
};

// One verdict a record, in their order; security.evm follows security.ima.
std::vector<ImaRecordVerdict> verify_ima(const Examined& artifact, const TrustAnswer& trust,
                                         const ImaVerifyOptions& options);

// Of a certificate that vouches for something.
TrustReport describe_trust(const Trust& trust, const PreparedCertificate& root);

}  // namespace assay
