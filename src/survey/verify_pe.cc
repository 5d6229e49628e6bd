#include "survey/verify_pe.h"

#include <fmt/format.h>

#include <algorithm>

#include "judge/grub_appended.h"
#include "signatures/explore.h"
#include "survey/trust_book.h"

namespace assay {

namespace {

// The keyring that a kernel would make of the certificates, and what it would refuse.
struct KernelTrust {
  SignatureContext context;
  std::shared_ptr<Keyring> ring = std::make_shared<Keyring>("--trust");
  std::shared_ptr<Keyring> revoked = std::make_shared<Keyring>(".blacklist");
};

KernelTrust make_kernel_trust(const BootMaterial& material, const KernelId& kernel) {
  KernelTrust trust;
  for (const std::string& entry : kernel_blocklist(material)) trust.context.blocklist.add(entry);
  for (const BootCertificate& one : material.certificates) {
    if (!is_read_by_kernel(one.database, material)) continue;
    Walk walk(kernel, {}, false);
    PrimitiveCache cache;
    CertificateState state;
    if (check_certificate(walk, *one.certificate, trust.context.crypto, trust.context.blocklist,
                          cache, state)
            .failed())
      continue;
    const Key key{one.certificate, state, KeyState::good, true, one.source};
    // The kernel does not see what shim carries as vendor dbx but in MokListXRT.
    if (is_deny_list(one.database))
      trust.revoked->add(key);
    else if (vouches_for_code(one.database))
      trust.ring->add(key);
  }
  return trust;
}

struct KernelEnding {
  Outcome outcome;
  Standing standing = Standing::undetermined;
  std::shared_ptr<const PreparedCertificate> root;

  friend bool operator==(const KernelEnding& a, const KernelEnding& b) {
    return a.outcome == b.outcome && a.standing == b.standing && a.root == b.root;
  }
};

class PeVerification {
 public:
  PeVerification(const Examined& artifact, const PeTrust& trust, bool explain)
      : artifact_(artifact), trust_(trust), explain_(explain) {
    ending_.kernel = kernel_of(artifact, trust.version);
  }

  PeEnding run() {
    if (trust_.verifier)
      as_boot_verifier(*trust_.verifier);
    else
      as_kernel();
    const bool is_good = ending_.standing == Standing::verified ||
                         ending_.standing == Standing::untrusted ||
                         (ending_.standing == Standing::undetermined && ending_.error &&
                          ending_.error->reason == Reason::no_trust);
    if (trust_.strict && is_good && artifact_.boot && !artifact_.boot->uncovered.empty()) {
      const Extent first = artifact_.boot->uncovered.front();
      std::uint64_t size = 0;
      for (const Extent extent : artifact_.boot->uncovered) size += extent.size;
      ending_.standing = Standing::bad;
      ending_.step = -1;
      ending_.error =
          Error{Reason::uncovered_bytes, first, fmt::format("{} bytes", size), artifact_.name};
    }
    return std::move(ending_);
  }

 private:
  void as_kernel() {
    const BootMaterial none;
    const KernelTrust trust =
        make_kernel_trust(trust_.material ? *trust_.material : none, ending_.kernel.id);
    // As if the key were there.
    if (!walk_kernel(trust, Truth::yes)) return;
    if (!trust_.material) {
      ending_.standing = Standing::undetermined;
      ending_.error = Error{Reason::no_trust, {}, "the signature itself is good", artifact_.name};
      return;
    }
    walk_kernel(trust, Truth::no);
  }

  // True when the kernel accepts it.
  bool walk_kernel(const KernelTrust& trust, Truth others) {
    SignatureKeyrings keyrings{trust.ring.get(), false, trust.revoked.get()};
    keyrings.others = others;
    auto explored = explore(
        ending_.kernel.id, explain_,
        [&](Walk& walk) {
          KernelEnding ending;
          TrustedBy by;
          ending.outcome =
              verify_pefile_signature(walk, *artifact_.pe, trust.context, keyrings, by);
          if (ending.outcome.step >= 0)
            ending.standing =
                walk.steps()[static_cast<std::size_t>(ending.outcome.step)].rule->standing;
          if (!ending.outcome.failed() && by.key != nullptr) ending.root = by.key->certificate;
          return ending;
        },
        [](const KernelEnding& a, const KernelEnding& b) { return a == b; });
    ending_.steps = std::move(explored.walk).release_steps();
    ending_.step = -1;
    ending_.open = std::move(explored.open);
    if (!ending_.open.empty()) return false;
    const KernelEnding& end = explored.first;
    if (end.outcome.failed()) {
      ending_.standing = end.standing;
      ending_.step = end.outcome.step;
      return false;
    }
    ending_.standing = Standing::verified;
    ending_.root = end.root;
    if (end.root && trust_.material) ending_.source = source_of(*end.root);
    return true;
  }

  void as_boot_verifier(BootVerifier verifier) {
    const BootMaterial none;
    const BootMaterial& material = trust_.material ? *trust_.material : none;
    ending_.boot = artifact_.boot ? judge_boot(verifier, *artifact_.boot, material)
                                  : judge_grub_appended(*artifact_.appended, material);
    ending_.standing = ending_.boot->standing;
    if (ending_.boot->certificate != nullptr) {
      ending_.root = ending_.boot->certificate->certificate;
      ending_.source = database_name(ending_.boot->certificate->database);
    } else if (ending_.standing == Standing::undetermined) {
      ending_.error = Error{Reason::not_decided, {}, ending_.boot->because, artifact_.name};
    } else if (ending_.standing == Standing::untrusted && !is_given(verifier, material)) {
      ending_.standing = Standing::undetermined;
      ending_.error = Error{Reason::no_trust,
                            {},
                            !artifact_.boot   ? "appended signature"
                            : trust_.material ? "firmware goes by db, which is not given"
                                              : "the image is the one that was signed",
                            artifact_.name};
    }
  }

  // Is there anything that this verifier could find the image in? A shim says nothing of db.
  bool is_given(BootVerifier verifier, const BootMaterial& material) const {
    if (!trust_.material) return false;
    return verifier != BootVerifier::firmware || material.has(BootDatabase::db) ||
           material.has(BootDatabase::option);
  }

  std::string source_of(const PreparedCertificate& root) const {
    for (const BootCertificate& one : trust_.material->certificates)
      if (one.certificate.get() == &root) return std::string(database_name(one.database));
    return "option";
  }

  const Examined& artifact_;
  const PeTrust& trust_;
  bool explain_;
  PeEnding ending_;
};

std::string describe(const CoverageDifference& difference, const Coverage& one,
                     const Coverage& other) {
  if (difference.kind == "order")
    return fmt::format("{} and {} hash the same bytes in another order",
                       coverage_rule_name(one.rule), coverage_rule_name(other.rule));
  const auto times = [](unsigned count) {
    return count == 0   ? std::string("not hashed")
           : count == 1 ? std::string("hashed once")
                        : fmt::format("hashed {} times", count);
  };
  return fmt::format("{} [{}, {}): {} by {}, {} by {}", difference.kind, difference.where.offset,
                     difference.where.end(), times(difference.times), coverage_rule_name(one.rule),
                     times(difference.other_times), coverage_rule_name(other.rule));
}

}  // namespace

PeEnding verify_pe(const Examined& artifact, const PeTrust& trust, bool explain) {
  return PeVerification(artifact, trust, explain).run();
}

PeReport describe_pe(const PeBootEvidence& evidence) {
  PeReport report;
  report.uncovered = evidence.uncovered;
  if (!evidence.headers.optional) return report;
  // Verifiers that hash alike stand together; the linear way is a tool's, no verifier's.
  std::array<bool, kCoverageRuleCount> done{};
  for (const CoverageRule rule :
       {CoverageRule::kernel, CoverageRule::firmware, CoverageRule::shim}) {
    const Coverage& coverage = evidence.coverage(rule);
    if (done[static_cast<std::size_t>(rule)]) continue;
    std::string verifiers(coverage_rule_name(rule));
    for (const Coverage& other : evidence.coverages) {
      if (other.rule <= rule || other.rule == CoverageRule::linear || !coverage.hashes_like(other))
        continue;
      verifiers += fmt::format(", {}", coverage_rule_name(other.rule));
      done[static_cast<std::size_t>(other.rule)] = true;
    }
    const Digest* digest = evidence.digest(rule, Hash::sha256);
    report.digests.push_back(
        {verifiers, "sha256", digest == nullptr ? "" : digest->hex(), coverage.refusal});
    const Coverage& kernel = evidence.coverage(CoverageRule::kernel);
    if (rule == CoverageRule::kernel || !kernel.is_defined() || !coverage.is_defined()) continue;
    for (const CoverageDifference& difference :
         compare_coverage(kernel, coverage, evidence.headers, evidence.sections))
      report.differences.push_back(describe(difference, kernel, coverage));
  }
  return report;
}

}  // namespace assay
