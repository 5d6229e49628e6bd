// survey/verify.h - is the signature of this artifact good, and in which root does it end?

#pragma once

#include <memory>
#include <vector>

#include "survey/artifact_report.h"
#include "survey/examine.h"
#include "survey/trust_book.h"
#include "survey/verify_ima.h"
#include "survey/verify_pe.h"

namespace assay {

struct VerifyOptions {
  bool explain = false;                  // keep the steps
  std::optional<KernelVersion> version;  // --kernel-version
  // --require-root: only chains that end in one of these count. Empty: any root of the trust.
  std::vector<std::shared_ptr<const PreparedCertificate>> required_roots;
  EvmFacts evm;
  PeTrust pe;  // for PE images: whose rules are applied, and what they go by
};

// Does a verdict on this artifact need trust at all?
bool needs_trust(const Examined& artifact);

// `trust` is not looked at where needs_trust says no.
ArtifactReport verify_artifact(const Examined& artifact, const TrustAnswer& trust,
                               const VerifyOptions& options);

// The report on something that could not even be opened.
ArtifactReport report_error(const Error& error);

}  // namespace assay
