#include "survey/verify_ima.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "ima/appraise.h"
#include "ima/rules.h"
#include "signatures/explore.h"

namespace assay {

namespace {

namespace rule = rules::ima;

// A kernel that can verify all that a kernel of its version can.
KernelConfig config_that_verifies() {
  KernelConfig config;
  for (const char* option : {"CONFIG_IMA", "CONFIG_IMA_APPRAISE", "CONFIG_INTEGRITY_SIGNATURE",
                             "CONFIG_INTEGRITY_ASYMMETRIC_KEYS", "CONFIG_INTEGRITY_TRUSTED_KEYRING",
                             "CONFIG_EVM", "CONFIG_CRYPTO_WP512",
                             // What wrote an attribute was built in.
                             "CONFIG_SECURITY_SELINUX", "CONFIG_SECURITY_SMACK",
                             "CONFIG_SECURITY_APPARMOR", "CONFIG_EVM_ATTR_FSUUID"})
    config.set(option, "y");
  config.set("CONFIG_EVM_EXTRA_SMACK_XATTRS", "n");
  return config;
}

std::string_view covers_of(const ImaXattr& xattr, bool is_evm) {
  if (is_evm) return "attributes, owner and mode";
  if (xattr.is(ImaXattrType::verity_signature)) return "fs-verity digest";
  return {};
}

struct Ending {
  Outcome outcome;
  Standing standing = Standing::undetermined;
  std::shared_ptr<const PreparedCertificate> root;
};

bool ends_alike(const Ending& a, const Ending& b) {
  return a.outcome == b.outcome && a.standing == b.standing && a.root == b.root;
}

class RecordCheck {
 public:
  RecordCheck(const ImaRecord& record, const Trust* trust, const KernelId& kernel,
              const EvmFacts& evm)
      : evidence_(record.evidence), trust_(trust), kernel_(kernel), evm_(evm) {}

  Ending ima(Walk& walk) const {
    const ImaXattr xattr = *evidence_.xattr(kXattrIma);
    if (xattr.is(ImaXattrType::digest) || xattr.is(ImaXattrType::digest_ng))
      return ended(walk, digest(walk, xattr), Standing::unsigned_);
    return ask(walk, xattr, [&](const SignatureVerifier& with, const KnownRing& ring) {
      if (const Outcome bad = form(walk, xattr); bad.failed()) return bad;
      const HashAlgo& algo = ima_hash_algo(walk, xattr, hash_algo_of(Hash::sha256));
      FileDigest file{&algo, std::nullopt};
      if (xattr.is(ImaXattrType::verity_signature)) {
        if (evidence_.verity) file = {&hash_algo_of(evidence_.verity->hash()), evidence_.verity};
      } else if (const Digest* value = algo.hash ? evidence_.digest(*algo.hash) : nullptr) {
        file.value = *value;
      }
      return with.verify(walk, xattr, file, ring);
    });
  }

  Ending evm(Walk& walk) const {
    const ImaXattr xattr = *evidence_.xattr(kXattrEvm);
    return ask(walk, xattr, [&](const SignatureVerifier& with, const KnownRing&) {
      EvmState state;
      state.has_public_key = state.has_hmac_key = Truth::yes;
      state.hmac_key = evm_.key;
      if (!evm_.fs_uuid) return evm_verify(walk, state, with, evidence_).outcome;
      ImaEvidence evidence = evidence_;
      evidence.file.filesystem.uuid = evm_.fs_uuid;
      return evm_verify(walk, state, with, evidence).outcome;
    });
  }

 private:
  // What comes before the key is looked for.
  Outcome form(Walk& walk, const ImaXattr& xattr) const {
    if (xattr.is(ImaXattrType::verity_signature)) {
      if (const Outcome bad = walk.check(rule::verity_version, xattr.second == 3); bad.failed())
        return bad;
      return walk.check(rule::verity_digest, evidence_.verity ? Truth::yes : Truth::unknown,
                        "file: fs-verity digest", [] { return std::string(); });
    }
    if (const Outcome bad = walk.check(rule::known_type, xattr.is(ImaXattrType::signature));
        bad.failed())
      return bad;
    const bool takes_v3 = walk.covers(Scope::since(kAnchor72));
    const auto version = [&] { return fmt::format("version {}", xattr.second); };
    return walk.check(takes_v3 ? rule::signature_version_3 : rule::signature_version_2,
                      xattr.second <= (takes_v3 ? 3 : 2), xattr.bytes.extent(), version);
  }

  Outcome digest(Walk& walk, const ImaXattr& xattr) const {
    const HashAlgo& algo = ima_hash_algo(walk, xattr, hash_algo_of(Hash::sha256));
    const Digest* value = algo.hash ? evidence_.digest(*algo.hash) : nullptr;
    const std::size_t start = xattr.is(ImaXattrType::digest_ng) ? 2 : 1;
    const auto bytes = xattr.bytes.bytes();
    bool same = bytes.size() >= start + algo.size;
    if (same && value == nullptr)
      same = walk.settle(Truth::unknown, fmt::format("libcrypto: {}", algo.name));
    else if (same)
      same = std::ranges::equal(bytes.subspan(start, algo.size), value->bytes());
    return walk.check(rule::hash_matches, same, xattr.bytes.extent());
  }

  Ending ask(Walk& walk, const ImaXattr& xattr, const auto& question) const {
    static const KernelConfig kConfig = config_that_verifies();
    Platform own;
    KnownRing ring{nullptr, false, "keyrings.ima"};
    const KernelCrypto all;
    const KernelCrypto* crypto = &all;
    if (trust_ != nullptr) {
      const Platform& platform = trust_->platform_in(walk, own);
      ring.keys = platform.ring(Ring::secondary_trusted_keys).get();
      crypto = &platform.signatures.crypto;
    }
    ImaKeyrings rings;
    rings.ima = rings.evm = ring;
    rings.blacklist.is_absent = true;
    const SignatureVerifier with{kConfig, *crypto, rings, evidence_.cache.get()};
    const Outcome bad = question(with, ring);
    Ending ending = ended(walk, bad, Standing::verified);
    if (!bad.failed() && ring.keys != nullptr && xattr.signature) {
      Walk apart(kernel_, walk.choices(), false);
      if (const Key* key = find_key_by_suffix(apart, *ring.keys, xattr.signature->keyid).key)
        ending.root = key->certificate;
    }
    return ending;
  }

  Ending ended(const Walk& walk, const Outcome& outcome, Standing good) const {
    if (!outcome.failed()) return {outcome, good, nullptr};
    return {outcome, walk.steps()[static_cast<std::size_t>(outcome.step)].rule->standing, nullptr};
  }

  const ImaEvidence& evidence_;
  const Trust* trust_;
  const KernelId& kernel_;
  const EvmFacts& evm_;
};

SignatureReport describe_record(const ImaRecord& record, const ImaXattr& xattr, bool is_evm) {
  SignatureReport report;
  report.carrier = record.carrier;
  report.record = is_evm ? std::string(kXattrEvm) : record.place;
  report.covers = covers_of(xattr, is_evm);
  report.where = xattr.bytes.extent();
  const HashAlgo* algo = nullptr;
  if (xattr.signature && !xattr.is(ImaXattrType::digest) && !xattr.is(ImaXattrType::digest_ng)) {
    report.key_identifier = to_hex(xattr.signature->keyid);
    report.signer = "key id " + report.key_identifier;
    algo = find_hash_algo(xattr.signature->hash_algo);
  } else if (xattr.is(ImaXattrType::digest_ng)) {
    algo = find_hash_algo(xattr.second);
  }
  if (algo == nullptr) return report;
  report.hash = algo->name;
  if (is_evm || xattr.is(ImaXattrType::verity_signature) || !algo->hash) return report;
  if (const Digest* digest = record.evidence.digest(*algo->hash)) report.digest = digest->hex();
  return report;
}

// What is wrong, beginning with the record that it is wrong with.
void name_record(const SignatureReport& record, ReasonReport& reason) {
  const std::string name = record.covers.empty()
                               ? record.record + ": "
                               : fmt::format("{}, which covers {}: ", record.record, record.covers);
  reason.text = name + reason.text;
  reason.kind = name + reason.kind;
}

ImaRecordVerdict verify_record(const Examined& artifact, const ImaRecord& record, bool is_evm,
                               const TrustAnswer& trust, const ImaVerifyOptions& options) {
  ImaRecordVerdict verdict;
  const ImaXattr xattr = *record.evidence.xattr(is_evm ? kXattrEvm : kXattrIma);
  verdict.signature = describe_record(record, xattr, is_evm);
  const Trust* known = trust ? trust->get() : nullptr;
  const KernelId kernel =
      known != nullptr ? known->platform.kernel : kernel_of(artifact, options.version).id;
  const RecordCheck check(record, known, kernel, options.evm);
  auto explored = explore(
      kernel, options.explain,
      [&](Walk& walk) { return is_evm ? check.evm(walk) : check.ima(walk); }, ends_alike);
  const Ending& ending = explored.first;
  verdict.steps = std::move(explored.walk).release_steps();
  if (!explored.open.empty()) {
    verdict.signature.standing = Standing::undetermined;
    const bool keys_alone = explored.open == std::vector<std::string>{"keyrings.ima"};
    if (keys_alone && !trust) {
      Error error = with_path(trust.error(), artifact.name);
      error.detail = fmt::format("{}: {}", verdict.signature.record,
                                 error.detail.empty() ? "give --trust CERTIFICATE" : error.detail);
      verdict.reason = explain(error);
    } else {
      verdict.reason = explain_open(explored.open, artifact.name);
      name_record(verdict.signature, *verdict.reason);
    }
    return verdict;
  }
  verdict.signature.standing = ending.standing;
  if (ending.outcome.failed()) {
    verdict.reason = explain(verdict.steps, ending.outcome.step, artifact.name);
    name_record(verdict.signature, *verdict.reason);
    return verdict;
  }
  if (!ending.root) return verdict;
  verdict.root = ending.root;
  verdict.signature.signer = short_name(ending.root->x509().subject);
  verdict.signature.algorithm = oid_text(ending.root->x509().key_algo_oid);
  verdict.trust = describe_trust(*known, *ending.root);
  return verdict;
}

}  // namespace

std::vector<ImaRecordVerdict> verify_ima(const Examined& artifact, const TrustAnswer& trust,
                                         const ImaVerifyOptions& options) {
  std::vector<ImaRecordVerdict> verdicts;
  for (const ImaRecord& record : artifact.ima) {
    verdicts.push_back(verify_record(artifact, record, false, trust, options));
    const auto evm = record.evidence.xattr(kXattrEvm);
    if (!evm || evm->bytes.empty()) continue;
    ImaRecordVerdict metadata = verify_record(artifact, record, true, trust, options);
    // A portable signature of EVM covers security.ima, and makes a digest there a signed one.
    ImaRecordVerdict& content = verdicts.back();
    if (metadata.signature.standing == Standing::verified &&
        content.signature.standing == Standing::unsigned_ && !content.reason) {
      content.signature.standing = Standing::verified;
      content.signature.signer = metadata.signature.signer;
      content.trust = metadata.trust;
      content.root = metadata.root;
    }
    verdicts.push_back(std::move(metadata));
  }
  return verdicts;
}

TrustReport describe_trust(const Trust& trust, const PreparedCertificate& root) {
  TrustReport report;
  const bool is_of_image = trust.is_of_image(root);
  report.source = is_of_image ? "image" : "option";
  report.name = short_name(root.x509().subject);
  if (const auto print = compute_digest(Hash::sha256, root.x509().raw.bytes()))
    report.fingerprint = print->hex();
  if (is_of_image) {
    report.image = trust.image->name;
    report.image_standing = trust.image->standing;
    report.found_by = found_by_name(trust.image->found_by);
  }
  return report;
}

}  // namespace assay
