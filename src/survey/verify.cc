#include "survey/verify.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "judge/rules.h"

namespace assay {

namespace {

// What an Error says of the artifact: its own bytes are wrong, or we could not look at them.
Standing standing_of(Reason reason) {
  switch (reason) {
    case Reason::truncated:
    case Reason::bad_magic:
    case Reason::bad_value:
    case Reason::bad_length:
    case Reason::trailing_bytes:
    case Reason::stream_corrupt:
    case Reason::stream_truncated: return Standing::malformed;
    default: return Standing::undetermined;
  }
}

ReasonReport reason_of(const Error& error) {
  std::string text(reason_sentence(error.reason));
  if (!error.detail.empty()) text += ": " + error.detail;
  return {std::string(reason_id(error.reason)),
          Errno::none,
          {},
          error.where,
          error.path,
          std::move(text)};
}

ReasonReport reason_of(const Step& step, const std::string& name) {
  std::string text = fmt::format("does not hold: {}", step.rule->holds);
  if (!step.because.empty()) text += fmt::format(" ({})", step.because);
  return {std::string(step.rule->id),
          step.err,
          std::string(step.rule->site),
          step.where,
          name,
          std::move(text)};
}

SignatureReport describe_signer(const SignatureEvidence& evidence, const CmsSigner& signer) {
  SignatureReport report;
  report.carrier = "appended";
  report.where = signer.raw.extent();
  report.algorithm = oid_text(signer.pkey_algo_oid);
  report.hash = oid_text(signer.digest_algo_oid);
  if (const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo))
    if (const Digest* digest = evidence.content_digest(algorithm->hash))
      report.digest = digest->hex();
  if (signer.by_skid) {
    report.key_identifier = to_hex(signer.sid);
    report.signer = "key " + report.key_identifier;
  } else {
    report.issuer = short_name(signer.issuer);
    report.serial = to_hex(signer.serial.bytes());
    report.signer = report.issuer;
  }
  return report;
}

std::string kernel_text(const KernelId& kernel) {
  return fmt::format("{} {} {}", to_string(kernel.version), variant_name(kernel.variant),
                     arch_name(kernel.arch));
}

TrustReport describe_trust(const Trust& trust, const Key& key) {
  TrustReport report;
  report.source = trust.source == TrustSource::image ? "image" : "option";
  report.name = short_name(key.certificate->x509().subject);
  if (const auto print = compute_digest(Hash::sha256, key.certificate->x509().raw.bytes()))
    report.fingerprint = print->hex();
  if (trust.image) {
    report.image = trust.image->name;
    report.image_standing = trust.image->standing;
    report.found_by = found_by_name(trust.image->found_by);
  }
  return report;
}

struct SignatureEnding {
  Outcome outcome;
  TrustedBy by;
};

class Verification {
 public:
  Verification(const Examined& artifact, const VerifyOptions& options, ArtifactReport& report)
      : artifact_(artifact), options_(options), report_(report) {}

  void verify(const Trust& trust) {
    report_.kernel = kernel_text(trust.platform.kernel);
    const ModuleRequest request;
    auto explored = explore(
        trust.platform.kernel, options_.explain,
        [&](Walk& walk) {
          SignatureEnding ending;
          ending.outcome =
              check_appended(walk, *artifact_.appended, request, trust.platform, ending.by);
          return ending;
        },
        [](const SignatureEnding& a, const SignatureEnding& b) {
          return a.outcome.err == b.outcome.err;
        });
    conclude(trust, explored.first, explored.open, explored.walk.steps());
    report_.steps = std::move(explored.walk).release_steps();
    for (SignatureReport& signature : report_.signatures) signature.standing = report_.standing;
  }

 private:
  void conclude(const Trust& trust, const SignatureEnding& ending,
                const std::vector<std::string>& open, const std::vector<Step>& steps) {
    if (!open.empty()) {
      report_.standing = Standing::undetermined;
      const Reason reason = open.front().starts_with("libcrypto") ? Reason::crypto_unavailable
                                                                  : Reason::platform_open;
      report_.reason =
          reason_of(Error{reason, {}, fmt::format("{}", fmt::join(open, ", ")), artifact_.name});
      return;
    }
    if (ending.outcome.failed()) {
      const Step& step = steps[static_cast<std::size_t>(ending.outcome.step)];
      report_.standing = step.rule->standing;
      report_.reason = reason_of(step, artifact_.name);
      return;
    }
    if (ending.by.key == nullptr) return;  // stays undetermined
    report_.trust = describe_trust(trust, *ending.by.key);
    if (is_required(*ending.by.key)) {
      report_.standing = Standing::verified;
      return;
    }
    report_.standing = Standing::untrusted;
    report_.reason = reason_of(Error{Reason::other_root, {}, report_.trust->name, artifact_.name});
  }

  bool is_required(const Key& key) const {
    if (options_.required_roots.empty()) return true;
    return std::ranges::any_of(options_.required_roots, [&](const auto& root) {
      return same_bytes(root->x509().raw, key.certificate->x509().raw);
    });
  }

  const Examined& artifact_;
  const VerifyOptions& options_;
  ArtifactReport& report_;
};

ArtifactReport start_report(const Examined& artifact) {
  ArtifactReport report;
  report.path = artifact.name;
  report.kind = kind_name(artifact.kind);
  report.format = artifact.format;
  report.is_image = artifact.kind == ArtifactKind::kernel_image;
  if (artifact.module) report.release = artifact.module->release();
  if (artifact.appended && artifact.appended->signature) {
    const SignatureEvidence& evidence = *artifact.appended->signature;
    for (const CmsSigner& signer : evidence.cms().signers)
      report.signatures.push_back(describe_signer(evidence, signer));
  }
  return report;
}

// The rules up to the signature need no key: an unsigned or misshapen file is known to be that.
bool is_settled_without_trust(const Examined& artifact) {
  const SignatureTrailer& trailer = artifact.appended->trailer;
  return !trailer.has_marker || !trailer.splits || !artifact.appended->signature;
}

}  // namespace

bool needs_trust(const Examined& artifact) {
  if (artifact.error || !artifact.appended) return false;
  if (artifact.kind == ArtifactKind::kernel_image || artifact.kind == ArtifactKind::pe)
    return artifact.appended->trailer.has_marker;
  return true;
}

ArtifactReport verify_artifact(const Examined& artifact, const TrustAnswer& trust,
                               const VerifyOptions& options) {
  ArtifactReport report = start_report(artifact);
  if (artifact.error) {
    report.standing = standing_of(artifact.error->reason);
    report.reason = reason_of(*artifact.error);
    return report;
  }
  if (!needs_trust(artifact)) {
    report.standing = Standing::unchecked;
    return report;
  }
  if (trust) {
    Verification(artifact, options, report).verify(**trust);
    return report;
  }
  if (is_settled_without_trust(artifact)) {
    Trust none;
    none.platform.kernel = kernel_of(report.release, std::nullopt, std::nullopt);
    none.platform.config.set("CONFIG_MODULE_SIG", "y");
    none.platform.ring(Ring::secondary_trusted_keys) = std::make_shared<Keyring>(".builtin_trusted_keys");
    Verification(artifact, options, report).verify(none);
    return report;
  }
  report.standing = Standing::undetermined;
  report.reason = reason_of(trust.error());
  return report;
}

ArtifactReport report_error(const Error& error) {
  ArtifactReport report;
  report.path = error.path;
  report.kind = kind_name(ArtifactKind::unknown);
  report.standing = Standing::undetermined;
  report.reason = reason_of(error);
  return report;
}

}  // namespace assay
