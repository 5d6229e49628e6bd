#include "survey/verify.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "base/name.h"
#include "judge/s390_sig.h"
#include "survey/verify_ima.h"

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

struct SignatureEnding {
  Outcome outcome;
  Standing standing = Standing::undetermined;  // where it failed
  std::shared_ptr<const PreparedCertificate> root;
};

bool same_root(const SignatureEnding& a, const SignatureEnding& b) {
  if (!a.root || !b.root) return a.root == b.root;
  return same_bytes(a.root->x509().raw, b.root->x509().raw);
}

bool ends_alike(const SignatureEnding& a, const SignatureEnding& b) {
  return a.outcome == b.outcome && a.standing == b.standing && same_root(a, b);
}

class Verification {
 public:
  Verification(const Examined& artifact, const VerifyOptions& options, ArtifactReport& report)
      : artifact_(artifact), options_(options), report_(report) {}

  void verify(const Trust& trust) {
    report_.kernel = trust.kernel.describe();
    report_.kernel_is_sure = trust.kernel.is_sure();
    report_.note = note(trust);
    auto explored = explore(
        trust.platform.kernel, options_.explain, [&](Walk& walk) { return check(walk, trust); },
        ends_alike);
    conclude(trust, explored.first, explored.open, explored.walk.steps());
    report_.steps = std::move(explored.walk).release_steps();
    for (SignatureReport& signature : report_.signatures) signature.standing = report_.standing;
  }

 private:
  SignatureEnding check(Walk& walk, const Trust& trust) const {
    Platform own;
    const Platform& platform = trust.platform_in(walk, own);
    SignatureEnding ending;
    TrustedBy by;
    const bool is_s390 = artifact_.image && artifact_.image->format == ImageFormat::s390;
    ending.outcome = is_s390
                         ? s390_verify_sig(walk, *artifact_.appended, platform, by)
                         : check_appended(walk, *artifact_.appended, ModuleRequest(), platform, by);
    if (ending.outcome.failed())
      ending.standing = walk.steps()[static_cast<std::size_t>(ending.outcome.step)].rule->standing;
    else if (by.key != nullptr)
      ending.root = by.key->certificate;
    return ending;
  }

  // A module in the folder of a kernel that it was not built for.
  std::string note(const Trust& trust) const {
    if (!artifact_.folder || !artifact_.module) return {};
    const std::string built_for = artifact_.module->release();
    const std::string& folder = artifact_.folder->release;
    if (built_for.empty() || built_for == folder) return {};
    std::string text = fmt::format("lies in lib/modules/{} but was built for {}",
                                   encode_name(folder), encode_name(built_for));
    if (trust.image && trust.image->release == built_for)
      text += fmt::format("; no kernel image of release {} was found", encode_name(folder));
    return text;
  }

  void conclude(const Trust& trust, const SignatureEnding& ending,
                const std::vector<std::string>& open, const std::vector<Step>& steps) {
    // That there is no signature is so whatever the kernel, even one of which no rule is known.
    const bool is_unsigned = ending.standing == Standing::unsigned_ && open.size() == 1 &&
                             is_before_anchors(trust.platform.kernel.version);
    if (!open.empty() && !is_unsigned) {
      report_.standing = Standing::undetermined;
      report_.reason = explain_open(open, artifact_.name);
      return;
    }
    if (ending.outcome.failed()) {
      report_.standing = ending.standing;
      report_.reason = explain(steps, ending.outcome.step, artifact_.name);
      return;
    }
    if (!ending.root) return;  // stays undetermined
    report_.trust = describe_trust(trust, *ending.root);
    if (is_required(*ending.root)) {
      report_.standing = Standing::verified;
      return;
    }
    report_.standing = Standing::untrusted;
    report_.reason = explain(Error{Reason::other_root, {}, report_.trust->name, artifact_.name});
  }

  bool is_required(const PreparedCertificate& found) const {
    if (options_.required_roots.empty()) return true;
    return std::ranges::any_of(options_.required_roots, [&](const auto& root) {
      return same_bytes(root->x509().raw, found.x509().raw);
    });
  }

  const Examined& artifact_;
  const VerifyOptions& options_;
  ArtifactReport& report_;
};

// By the certificate that a message carries for its signer: the one that its value is checked with
// (pkcs7_find_key).
void name_signer(const SignatureEvidence& evidence, const CmsSigner& signer,
                 SignatureReport& report) {
  if (signer.by_skid) return;
  for (const auto& certificate : evidence.certificates()) {
    const auto& x509 = certificate->x509();
    if (!same_key_id(x509.id(), signer.sid)) continue;
    if (std::string name = short_name(x509.subject); !name.empty()) report.signer = std::move(name);
    if (const auto print = compute_digest(Hash::sha256, x509.raw.bytes()))
      report.certificate = BuiltInCertificate{name_text(x509.subject), print->hex()};
    return;
  }
}

// The digest is that of the image, which the signature carries.
void add_signers(const PeBootEvidence& image, const PeCertificateEntry& entry,
                 ArtifactReport& report) {
  if (!entry.signature) return;
  for (const CmsSigner& signer : entry.signature->cms().signers) {
    SignatureReport signature = describe_signer(*entry.signature, signer);
    signature.carrier = "pe";
    name_signer(*entry.signature, signer, signature);
    signature.digest.clear();
    if (entry.indirect.digest_algo)
      if (const DigestAlgorithm* algorithm =
              find_image_digest_algorithm(find_oid(*entry.indirect.digest_algo)))
        if (const Digest* digest = image.digest(CoverageRule::kernel, algorithm->hash))
          signature.digest = digest->hex();
    report.signatures.push_back(std::move(signature));
  }
}

ArtifactReport start_report(const Examined& artifact) {
  ArtifactReport report;
  report.path = artifact.name;
  report.kind = kind_name(artifact.kind);
  report.format = artifact.format;
  report.is_image = artifact.kind == ArtifactKind::kernel_image;
  if (artifact.module) report.release = artifact.module->release();
  report.contents = artifact.contents;
  if (artifact.boot) {
    for (const PeCertificateEntry& entry : artifact.boot->entries)
      add_signers(*artifact.boot, entry, report);
  } else if (artifact.appended && artifact.appended->signature) {
    const SignatureEvidence& evidence = *artifact.appended->signature;
    for (const CmsSigner& signer : evidence.cms().signers) {
      report.signatures.push_back(describe_signer(evidence, signer));
      if (evidence.cms().content)
        report.signatures.back().covers = "content carried inside itself, not the file";
    }
  }
  return report;
}

// By firmware or shim.
ReasonReport explain(const BootVerdict& verdict, const std::string& name) {
  ReasonReport reason;
  reason.id = verdict.rule->id;
  reason.kernel_function = verdict.rule->site;
  reason.where = verdict.where;
  reason.in = name;
  reason.kind = verdict.rule->fails;
  reason.text = reason.kind;
  if (!verdict.because.empty()) reason.text += fmt::format(" ({})", verdict.because);
  reason.text += fmt::format(" -> {}", verdict.rule->status);
  return reason;
}

TrustReport describe_trust(const PeEnding& ending) {
  TrustReport report;
  report.source = ending.source;
  if (ending.root) {
    report.name = short_name(ending.root->x509().subject);
    if (const auto print = compute_digest(Hash::sha256, ending.root->x509().raw.bytes()))
      report.fingerprint = print->hex();
  } else if (ending.boot && ending.boot->hash != nullptr) {
    report.source = database_name(ending.boot->hash->database);
    report.name = "digest of the image";
  }
  return report;
}

void conclude_pe(const Examined& artifact, const VerifyOptions& options, ArtifactReport& report) {
  PeEnding ending = verify_pe(artifact, options.pe, options.explain);
  if (artifact.boot) report.pe = describe_pe(*artifact.boot);
  if (options.pe.verifier) {
    report.kernel = verifier_name(*options.pe.verifier);
  } else {
    report.kernel = ending.kernel.describe();
    report.kernel_is_sure = ending.kernel.is_sure();
  }
  report.standing = ending.standing;
  // Who it is that nothing is known of.
  if (ending.error && ending.error->reason == Reason::no_trust)
    for (const SignatureReport& signature : report.signatures)
      ending.error->detail += fmt::format(", signed by \"{}\"", signature.signer);
  if (!ending.open.empty()) {
    report.standing = Standing::undetermined;
    report.reason = explain_open(ending.open, artifact.name);
  } else if (ending.step >= 0) {
    report.reason = explain(ending.steps, ending.step, artifact.name);
  } else if (ending.error) {
    report.reason = explain(*ending.error);
  } else if (ending.boot && ending.boot->rule != nullptr) {
    report.reason = explain(*ending.boot, artifact.name);
  }
  if (ending.standing == Standing::verified) {
    report.trust = describe_trust(ending);
    const auto is_root = [&](const auto& root) {
      return ending.root && same_bytes(root->x509().raw, ending.root->x509().raw);
    };
    if (!options.required_roots.empty() && std::ranges::none_of(options.required_roots, is_root)) {
      report.standing = Standing::untrusted;
      report.reason = explain(Error{Reason::other_root, {}, report.trust->name, artifact.name});
    }
  }
  report.steps = std::move(ending.steps);
  for (SignatureReport& signature : report.signatures) signature.standing = report.standing;
}

// The rules up to the signature need no key: an unsigned or misshapen file is known to be that.
bool is_settled_without_trust(const Examined& artifact) {
  const SignatureTrailer& trailer = artifact.appended->trailer;
  return !trailer.has_marker || !trailer.splits || !artifact.appended->signature;
}

// How much a record of IMA weighs where the file has several: what is known to be bad decides, then
// what is good.
int weight_of(Standing standing) {
  switch (standing) {
    case Standing::bad: return 5;
    case Standing::malformed: return 4;
    case Standing::verified: return 3;
    case Standing::untrusted: return 2;
    case Standing::undetermined: return 1;
    default: return 0;
  }
}

void take(ArtifactReport& report, const ImaRecordVerdict& verdict) {
  report.standing = verdict.signature.standing;
  report.reason = verdict.reason;
  report.trust = verdict.trust;
  report.steps = verdict.steps;
}

// Of a module or an image, its own signature decides; a record of IMA that is bad makes it bad, and
// another is told of.
void add_ima(const Examined& artifact, const TrustAnswer& trust, const VerifyOptions& options,
             ArtifactReport& report) {
  const bool decides = artifact.kind == ArtifactKind::file;
  for (ImaRecordVerdict& verdict :
       verify_ima(artifact, trust, {options.explain, options.version, options.evm})) {
    SignatureReport& signature = verdict.signature;
    const auto is_root = [&](const auto& root) {
      return verdict.root && same_bytes(root->x509().raw, verdict.root->x509().raw);
    };
    if (signature.standing == Standing::verified && !options.required_roots.empty() &&
        std::ranges::none_of(options.required_roots, is_root)) {
      signature.standing = Standing::untrusted;
      verdict.reason = explain(Error{Reason::other_root, {}, verdict.trust->name, artifact.name});
    }
    const bool is_bad =
        signature.standing == Standing::bad || signature.standing == Standing::malformed;
    if ((decides || is_bad) && weight_of(signature.standing) > weight_of(report.standing)) {
      take(report, verdict);
    } else if (!decides || signature.standing == Standing::unsigned_) {
      if (!report.note.empty()) report.note += "; ";
      report.note +=
          signature.standing == Standing::unsigned_
              ? signature.record + " is the digest of the file, which nobody has signed"
              : fmt::format("{} is {}", signature.record, standing_name(signature.standing));
    }
    report.signatures.push_back(std::move(signature));
  }
}

bool needs_own_trust(const Examined& artifact) {
  if (artifact.pe) return false;
  if (artifact.kind == ArtifactKind::kernel_image || artifact.kind == ArtifactKind::pe)
    return artifact.appended->trailer.has_marker;
  return true;
}

ArtifactReport verify_own(const Examined& artifact, const TrustAnswer& trust,
                          const VerifyOptions& options) {
  ArtifactReport report = start_report(artifact);
  if (artifact.error) {
    report.standing = standing_of(artifact.error->reason);
    report.reason = explain(*artifact.error);
    return report;
  }
  const bool is_for_grub = options.pe.verifier == BootVerifier::grub && artifact.appended &&
                           artifact.kind != ArtifactKind::module;
  if (artifact.pe || is_for_grub) {
    conclude_pe(artifact, options, report);
    return report;
  }
  if (options.pe.verifier && artifact.kind == ArtifactKind::kernel_image) {
    const bool is_firmware = *options.pe.verifier == BootVerifier::firmware;
    report.kernel = verifier_name(*options.pe.verifier);
    report.standing = Standing::malformed;
    report.reason =
        explain(refuse(is_firmware ? rules::pe_boot::firmware_image : rules::pe_boot::shim_image),
                artifact.name);
    return report;
  }
  if (!needs_own_trust(artifact)) {
    report.standing = Standing::unchecked;
    return report;
  }
  if (trust) {
    Verification(artifact, options, report).verify(**trust);
    return report;
  }
  if (is_settled_without_trust(artifact)) {
    Trust none;
    none.kernel = kernel_of(artifact, options.version);
    none.platform.kernel = none.kernel.id;
    none.platform.config.set("CONFIG_MODULE_SIG", "y");
    none.platform.state.ipl_secure = true;
    none.keys = BootKeyring(".builtin_trusted_keys", {}, none.kernel.id, {});
    none.platform.ring(Ring::secondary_trusted_keys) = none.keys.fixed();
    Verification(artifact, options, report).verify(none);
    return report;
  }
  report.standing = Standing::undetermined;
  report.reason = explain(trust.error());
  return report;
}

}  // namespace

bool needs_trust(const Examined& artifact) {
  if (artifact.error || !artifact.appended) return false;
  if (!artifact.ima.empty()) return true;
  return needs_own_trust(artifact);
}

ArtifactReport verify_artifact(const Examined& artifact, const TrustAnswer& trust,
                               const VerifyOptions& options) {
  ArtifactReport report = verify_own(artifact, trust, options);
  if (!artifact.error) add_ima(artifact, trust, options, report);
  return report;
}

ArtifactReport report_error(const Error& error) {
  ArtifactReport report;
  report.path = error.path;
  report.kind = kind_name(ArtifactKind::unknown);
  report.standing = Standing::undetermined;
  report.reason = explain(error);
  return report;
}

}  // namespace assay
