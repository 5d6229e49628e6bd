#include "ima/appraise.h"

#include <fmt/format.h>

#include "base/name.h"
#include "ima/modsig.h"
#include "ima/rules.h"

namespace assay {

namespace {

namespace rule = rules::ima;
using namespace ima_flag;

std::optional<Digest> zero_digest(const HashAlgo& algo) {
  if (!algo.hash) return std::nullopt;
  return Digest(*algo.hash, std::vector<std::uint8_t>(algo.size));
}

AppraisedBy appraised_by(ImaHook hook) {
  switch (hook) {
    case ImaHook::mmap_check:
    case ImaHook::mmap_check_reqprot: return AppraisedBy::mmap;
    case ImaHook::bprm_check: return AppraisedBy::bprm;
    case ImaHook::creds_check: return AppraisedBy::creds;
    case ImaHook::file_check:
    case ImaHook::post_setattr: return AppraisedBy::file;
    default: return AppraisedBy::read;
  }
}

class Process {
 public:
  Process(Walk& walk, const ImaKernel& kernel, const ImaEvent& event, const ImaEvidence& evidence,
          const ImaInode& before)
      : walk_(walk),
        kernel_(kernel),
        event_(event),
        evidence_(evidence),
        verifier_{kernel.config, kernel.signatures.crypto, kernel.rings, evidence.cache.get()} {
    verdict_.inode = before;
  }

  ImaVerdict run();

 private:
  void read_attributes();
  Outcome collect();
  Outcome check_blacklist(int pcr);
  Outcome appraise();
  Outcome appraise_without_xattr(IntegrityStatus& status, std::string& cause);
  Outcome appraise_evm(IntegrityStatus& status, std::string& cause);
  Outcome verify_xattr(IntegrityStatus& status, std::string& cause);
  Outcome verify_hash(IntegrityStatus& status, std::string& cause);
  Outcome verify_signature(IntegrityStatus& status, std::string& cause);
  Outcome verify_verity(IntegrityStatus& status, std::string& cause);
  Outcome conclude(Outcome bad, IntegrityStatus status, std::string cause);
  Outcome check_allowed_algorithm();
  void measure(const ImaTemplate& tmpl, int pcr);
  void finish(Outcome bad);

  // "ENODATA, rule 2 of the custom policy: appraise func=BPRM_CHECK".
  std::string describe_match(Errno err) const {
    const PolicyRule* rule = verdict_.match.appraising;
    if (rule == nullptr) return std::string(errno_name(err));
    return fmt::format("{}, rule {} of the {}: {}", errno_name(err), rule->number,
                       rule_origin_name(rule->origin), encode_name(rule->source));
  }
  bool has(std::uint32_t flag) const { return (verdict_.inode.flags & flag) != 0; }
  Outcome refuse(const Rule& row, IntegrityStatus& status, std::string& cause, const char* said) {
    cause = said;
    status = IntegrityStatus::fail;
    return walk_.check(row, false, where());
  }
  Extent where() const { return xattr_ ? xattr_->bytes.extent() : Extent(); }

  Walk& walk_;
  const ImaKernel& kernel_;
  const ImaEvent& event_;
  const ImaEvidence& evidence_;
  SignatureVerifier verifier_;
  ImaVerdict verdict_;
  ImaHook func_ = ImaHook::none;
  AppraisedBy by_ = AppraisedBy::file;
  bool to_appraise_ = false;  // now
  bool must_appraise_ = false;
  bool unreadable_ = false;  // security.ima is not known
  std::optional<ImaXattr> xattr_;
  std::optional<Modsig> modsig_;
  const HashAlgo* algo_ = nullptr;
};

ImaVerdict Process::run() {
  if (!kernel_.state.classes().any()) return std::move(verdict_);
  verdict_.match =
      match_ima_policy(walk_, kernel_.state, {true, true, true, true}, event_, evidence_.file);
  const ImaMatch& match = verdict_.match;
  // What a rule requires counts even where the rule says not to do a thing; without requirement
  // such a rule leaves nothing to be done.
  if (!match.actions.any() && match.flags == 0) return std::move(verdict_);
  ImaInode& inode = verdict_.inode;
  must_appraise_ = match.actions.appraise;
  func_ = match.as_file_check ? ImaHook::file_check : event_.hook;
  by_ = appraised_by(func_);
  inode.flags |= match.flags;
  const std::size_t slot = static_cast<std::size_t>(by_);
  to_appraise_ = must_appraise_ && !inode.appraised[slot];
  const int pcr = match.pcr.value_or(ima_default_pcr(kernel_.config));
  bool to_measure = match.actions.measure && (inode.measured_pcrs >> pcr & 1U) == 0;
  const bool to_audit = match.actions.audit && !inode.audited;
  if (match.actions.hash && !inode.hashed) {
    if (!inode.carries_signature) {
      read_attributes();
      if (xattr_ && xattr_->bytes.size() > 2 && xattr_->is(ImaXattrType::signature))
        inode.carries_signature = true;
      inode.hashed = true;
      inode.updates_xattr = true;
    }
  }
  if (!to_appraise_ && !to_measure && !to_audit) {
    const bool mapped = must_appraise_ && by_ == AppraisedBy::mmap && event_.has_writers;
    if (mapped) verdict_.causes.emplace_back("mmapped_writers");
    finish(walk_.check(rule::not_mapped, !mapped));
    return std::move(verdict_);
  }
  const ImaTemplate& tmpl = match.tmpl != nullptr ? *match.tmpl : kernel_.state.default_template();
  // The oldest template has no room for the algorithm that security.ima may name.
  if (to_appraise_ || tmpl.name != "ima") {
    read_attributes();
    if (has(kModsigAllowed)) {
      modsig_ = read_modsig(walk_, kernel_.signatures, evidence_);
      if (modsig_ && has_modsig_field(tmpl) && inode.measured) to_measure = true;
    }
  }
  algo_ = &ima_hash_algo(walk_, xattr_, kernel_.state.hash());
  Outcome bad = collect();
  const bool goes_on = !bad.failed() || bad.err == Errno::einval;
  if (!goes_on) {
    finish(bad);
    return std::move(verdict_);
  }
  if (event_.is_compressed) {
    must_appraise_ = false;
    finish({});
    return std::move(verdict_);
  }
  verdict_.digest = inode.digest;
  if (to_measure) measure(tmpl, pcr);
  if (!bad.failed() && to_appraise_) {
    bad = check_blacklist(pcr);
    if (!bad.failed()) bad = appraise();
    const bool mapped = by_ == AppraisedBy::mmap && event_.has_writers;
    if (!bad.failed()) {
      bad = walk_.check(rule::not_mapped, !mapped);
      if (mapped) verdict_.causes.emplace_back("mmapped_writers");
    }
  }
  if (to_audit) verdict_.audited = inode.audited = true;
  if (event_.direct_io && has(kPermitDirectio)) bad = {};
  if (!bad.failed() && must_appraise_) bad = check_allowed_algorithm();
  finish(bad);
  return std::move(verdict_);
}

// ima_read_xattr. Where the attributes are not known, both are tried: there is none, and there is
// one that cannot be read.
void Process::read_attributes() {
  if (xattr_ || unreadable_) return;
  if (!evidence_.xattrs) {
    unreadable_ = !walk_.settle(Truth::unknown, "file: security.ima");
    return;
  }
  xattr_ = evidence_.xattr(kXattrIma);
}

// ima_collect_measurement.
Outcome Process::collect() {
  ImaInode& inode = verdict_.inode;
  if (inode.digest) return {};
  Outcome bad;
  FileDigest digest{algo_, std::nullopt};
  if (has(kVerityRequired)) {
    bad = walk_.check(rule::verity_digest, evidence_.has_verity, "file: fs-verity digest",
                      [] { return std::string(); });
    if (bad.failed()) verdict_.causes.emplace_back("no-verity-digest");
    if (!bad.failed() && evidence_.verity)
      digest = {&hash_algo_of(evidence_.verity->hash()), evidence_.verity};
  } else if (event_.direct_io && evidence_.trailer == nullptr) {
    bad = walk_.check(rule::not_direct, false);
    verdict_.causes.emplace_back("failed(directio)");
  } else {
    const bool has_it =
        algo_ == &kernel_.state.hash() ||
        walk_.settle(has_hash_algo(*algo_, kernel_.signatures.crypto, kernel_.config),
                     fmt::format("algorithm: {}", algo_->name));
    bad = walk_.check(rule::hash_available, has_it, where(),
                      [this] { return std::string(algo_->name); });
    if (bad.failed()) verdict_.causes.emplace_back("failed");
    if (const Digest* value = algo_->hash ? evidence_.digest(*algo_->hash) : nullptr)
      digest.value = *value;
  }
  if (!bad.failed()) inode.digest = digest;
  return bad;
}

// ima_store_measurement. A digest that could not be computed is measured as zeros.
void Process::measure(const ImaTemplate& tmpl, int pcr) {
  ImaInode& inode = verdict_.inode;
  ImaMeasured measured;
  measured.name = evidence_.file.path;
  if (inode.digest)
    measured.digest = *inode.digest;
  else
    measured.digest = {algo_, zero_digest(*algo_)};
  measured.file = &evidence_;
  measured.xattr = xattr_ ? &*xattr_ : nullptr;
  measured.modsig = modsig_ ? &*modsig_ : nullptr;
  measured.is_verity = has(kVerityRequired);
  verdict_.entry = make_ima_entry(measured, tmpl, pcr, kernel_.state.hash(),
                                  ima_list_is_big_endian(walk_, kernel_.state));
  if (!verdict_.entry) return;
  verdict_.measured = true;
  if (event_.direct_io) return;
  inode.measured = true;
  inode.measured_pcrs |= 1ULL << pcr;
}

// ima_check_blacklist.
Outcome Process::check_blacklist(int pcr) {
  if (!has(kCheckBlacklist)) return {};
  const Blocklist& list = kernel_.signatures.blocklist;
  std::optional<Digest> digest;
  if (has(kModsigAllowed) && modsig_)
    digest = modsig_->digest;
  else if (has(kDigsigRequired) && walk_.covers(Scope::since(kAnchor612)))
    digest = verdict_.inode.digest->value;
  const bool listed = digest && list.lists(kBlockedBinary, *digest);
  // The bytes of a digest that is no appended signature's are not handed on.
  if (listed && (verdict_.match.actions.measure || verdict_.inode.measured)) {
    const bool of_modsig = has(kModsigAllowed) && modsig_.has_value();
    verdict_.blocked_entry = make_ima_buffer_entry(
        kernel_, "blacklisted-hash", of_modsig ? digest->bytes() : std::span<const std::uint8_t>(),
        nullptr, pcr, ima_list_is_big_endian(walk_, kernel_.state));
  }
  return walk_.check(rule::not_blacklisted, !listed, {},
                     [&] { return digest ? digest->hex() : std::string(); });
}

// ima_appraise_measurement.
Outcome Process::appraise() {
  verdict_.appraised = true;
  if (!modsig_) {
    if (const Outcome bad = walk_.check(rule::xattr_support, evidence_.file.filesystem.has_xattrs,
                                        "filesystem: xattrs", [] { return std::string(); });
        bad.failed()) {
      verdict_.status = IntegrityStatus::unknown;
      return bad;
    }
  }
  IntegrityStatus status = IntegrityStatus::unknown;
  std::string cause = "unknown";
  // An empty attribute is none, but where there is an appended signature: there it is one of no
  // type.
  const bool has_xattr = xattr_ && !xattr_->bytes.empty();
  if (!has_xattr && !modsig_) {
    const Outcome bad = appraise_without_xattr(status, cause);
    return conclude(bad, status, std::move(cause));
  }
  Outcome bad = appraise_evm(status, cause);
  if (bad.failed()) return conclude(bad, status, std::move(cause));
  if (xattr_) bad = verify_xattr(status, cause);
  if (modsig_ && (!xattr_ || xattr_->is(ImaXattrType::digest_ng) || bad.err == Errno::enokey)) {
    bad = verify_modsig(walk_, *modsig_, kernel_.signatures, verifier_, func_);
    verdict_.signs_own_content = modsig_->carries_content;
    status = bad.failed() ? IntegrityStatus::fail : IntegrityStatus::pass;
    if (bad.failed()) cause = "invalid-signature";
  }
  return conclude(bad, status, std::move(cause));
}

Outcome Process::appraise_without_xattr(IntegrityStatus& status, std::string& cause) {
  if (const Outcome bad = walk_.check(rule::xattr_readable, !unreadable_); bad.failed()) return bad;
  ImaInode& inode = verdict_.inode;
  inode.is_new = inode.is_new || event_.is_created;
  status = IntegrityStatus::no_label;
  const bool wants_signature = has(kDigsigRequired);
  cause = !wants_signature       ? "missing-hash"
          : has(kVerityRequired) ? "verity-signature-required"
                                 : "IMA-signature-required";
  if (inode.is_new && (!wants_signature || evidence_.size == 0)) {
    status = IntegrityStatus::pass;
    return {};
  }
  const bool is_signed_inside = evidence_.trailer != nullptr && evidence_.trailer->has_marker;
  return walk_.check(!wants_signature       ? rule::hash_present
                     : has(kVerityRequired) ? rule::verity_present
                                            : rule::signature_present,
                     false, {}, [&] {
                       std::string text = "the file has no security.ima";
                       if (wants_signature && is_signed_inside)
                         text += ", and the signature appended to it does not count";
                       return text + (wants_signature ? "; assay sign --ima makes one" : "");
                     });
}

Outcome Process::appraise_evm(IntegrityStatus& status, std::string& cause) {
  if (!evidence_.xattrs) return {};
  const EvmVerdict evm = evm_verify(walk_, kernel_.evm, verifier_, evidence_);
  status = evm.status;
  switch (evm.status) {
    case IntegrityStatus::pass:
    case IntegrityStatus::pass_immutable:
    case IntegrityStatus::unknown: return {};
    case IntegrityStatus::no_xattrs:
      if (modsig_) return {};
      cause = "missing-HMAC";
      return walk_.check(rule::evm_present, false);
    case IntegrityStatus::no_label: cause = "missing-HMAC"; return evm.outcome;
    case IntegrityStatus::fail_immutable:
      verdict_.inode.carries_signature = true;
      cause = "invalid-fail-immutable";
      return evm.outcome;
    case IntegrityStatus::fail: cause = "invalid-HMAC"; return evm.outcome;
  }
  return {};
}

// xattr_verify.
Outcome Process::verify_xattr(IntegrityStatus& status, std::string& cause) {
  if (xattr_->is(ImaXattrType::digest) || xattr_->is(ImaXattrType::digest_ng))
    return verify_hash(status, cause);
  if (xattr_->is(ImaXattrType::signature)) return verify_signature(status, cause);
  if (xattr_->is(ImaXattrType::verity_signature)) return verify_verity(status, cause);
  const Outcome bad = refuse(rule::known_type, status, cause, "unknown-ima-data");
  status = IntegrityStatus::unknown;
  return bad;
}

Outcome Process::verify_hash(IntegrityStatus& status, std::string& cause) {
  const bool signed_by_evm = status == IntegrityStatus::pass_immutable;
  if (!signed_by_evm && has(kDigsigRequired))
    return has(kVerityRequired)
               ? refuse(rule::hash_not_verity, status, cause, "verity-signature-required")
               : refuse(rule::hash_not_signature, status, cause, "IMA-signature-required");
  verdict_.inode.carries_signature = signed_by_evm;
  const std::size_t start = xattr_->is(ImaXattrType::digest_ng) ? 2 : 1;
  const FileDigest& digest = *verdict_.inode.digest;
  const auto bytes = xattr_->bytes.bytes();
  const std::size_t size = digest.algo->size;
  bool same = bytes.size() >= start + size;
  if (same && !digest.value)
    same = walk_.settle(Truth::unknown, fmt::format("libcrypto: {}", digest.algo->name));
  else if (same)
    same = std::ranges::equal(bytes.subspan(start, size), digest.value->bytes());
  if (!same) return refuse(rule::hash_matches, status, cause, "invalid-hash");
  status = IntegrityStatus::pass;
  return walk_.check(rule::hash_matches, true, where());
}

Outcome Process::verify_signature(IntegrityStatus& status, std::string& cause) {
  verdict_.inode.carries_signature = true;
  if (has(kDigsigRequired) && has(kVerityRequired))
    return refuse(rule::signature_not_verity, status, cause, "verity-signature-required");
  const std::uint8_t version = xattr_->second;
  const bool takes_v3 = walk_.covers(Scope::since(kAnchor72));
  if (version > (takes_v3 ? 3 : 2))
    return refuse(takes_v3 ? rule::signature_version_3 : rule::signature_version_2, status, cause,
                  "invalid-signature-version");
  if (has(kSigv3Required) && version != 3)
    return refuse(rule::sigv3, status, cause, "IMA-sigv3-required");
  const FileDigest& digest = *verdict_.inode.digest;
  Outcome bad = verifier_.verify(walk_, *xattr_, digest, kernel_.rings.ima);
  if (bad.err == Errno::eopnotsupp) {
    status = IntegrityStatus::unknown;
    return bad;
  }
  if (bad.failed() && func_ == ImaHook::kexec_kernel_check &&
      walk_.settle(kernel_.config.is_on("CONFIG_INTEGRITY_PLATFORM_KEYRING"),
                   "config: CONFIG_INTEGRITY_PLATFORM_KEYRING"))
    bad = verifier_.verify(walk_, *xattr_, digest, kernel_.rings.platform);
  status = bad.failed() ? IntegrityStatus::fail : IntegrityStatus::pass;
  if (bad.failed()) cause = "invalid-signature";
  return bad;
}

Outcome Process::verify_verity(IntegrityStatus& status, std::string& cause) {
  verdict_.inode.carries_signature = true;
  if (has(kDigsigRequired) && !has(kVerityRequired))
    return refuse(rule::verity_not_wanted, status, cause, "IMA-signature-required");
  if (xattr_->second != 3)
    return refuse(rule::verity_version, status, cause, "invalid-signature-version");
  const Outcome bad = verifier_.verify(walk_, *xattr_, *verdict_.inode.digest, kernel_.rings.ima);
  if (bad.err == Errno::eopnotsupp && walk_.covers(Scope::since(kAnchor72))) {
    status = IntegrityStatus::unknown;
    return bad;
  }
  status = bad.failed() ? IntegrityStatus::fail : IntegrityStatus::pass;
  if (bad.failed()) cause = "invalid-verity-signature";
  return bad;
}

// The end of ima_appraise_measurement: what the filesystem and ima_appraise=fix make of it.
Outcome Process::conclude(Outcome bad, IntegrityStatus status, std::string cause) {
  ImaInode& inode = verdict_.inode;
  const ImaFilesystem& fs = evidence_.file.filesystem;
  if (walk_.settle(fs.is_unverifiable, "filesystem: unverifiable")) {
    const bool trusted = !has(kFailUnverifiableSigs) &&
                         !walk_.settle(fs.has_untrusted_mounter, "filesystem: mounter");
    if (const Outcome now = walk_.check(rule::verifiable, trusted); now.failed()) {
      bad = now;
      status = IntegrityStatus::fail;
      verdict_.causes.emplace_back("unverifiable-signature");
      inode.status[static_cast<std::size_t>(by_)] = verdict_.status = status;
      return bad;
    }
  }
  if (status == IntegrityStatus::pass) {
    inode.appraised[static_cast<std::size_t>(by_)] = true;
  } else {
    const bool keeps = xattr_ && xattr_->is(ImaXattrType::signature);
    if (kernel_.state.fixes() && !modsig_ && !keeps) {
      verdict_.fixed = ima_digest_xattr(*inode.digest);
      status = IntegrityStatus::pass;
    }
    if (evidence_.size == 0 && inode.is_new && inode.carries_signature)
      status = IntegrityStatus::pass;
    verdict_.causes.push_back(std::move(cause));
  }
  verdict_.internal = bad;
  inode.status[static_cast<std::size_t>(by_)] = verdict_.status = status;
  if (status == IntegrityStatus::pass) return {};
  // The kernel goes on with the number of the status; the rule that led to it is the same.
  return bad.failed() ? bad : walk_.check(rule::xattr_readable, false);
}

Outcome Process::check_allowed_algorithm() {
  const std::uint32_t allowed = verdict_.match.allowed_algos;
  const bool ok = allowed == 0 || (allowed >> algo_->number & 1U) != 0;
  if (!ok) verdict_.causes.emplace_back("denied-hash-algorithm");
  return walk_.check(rule::algorithm_allowed, ok, where(),
                     [this] { return std::string(algo_->name); });
}

void Process::finish(Outcome bad) {
  const ImaInode& inode = verdict_.inode;
  if ((event_.mask & kMayWrite) != 0 && inode.carries_signature && !inode.is_new)
    bad = walk_.check(rule::not_written, false);
  if (bad.failed()) verdict_.internal = bad;
  if (must_appraise_ && bad.failed()) {
    verdict_.outcome = walk_.because_of(walk_.check(rule::not_enforced, !kernel_.state.enforces(),
                                                    {}, [&] { return describe_match(bad.err); }),
                                        bad);
  }
  if (must_appraise_ && !verdict_.outcome.failed() && (event_.mask & kMayWrite) != 0)
    verdict_.inode.updates_xattr = true;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> ima_digest_xattr(const FileDigest& digest) {
  if (!digest.value) return std::nullopt;
  constexpr std::uint8_t kSha1 = 2;  // up to which the type says enough
  std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(ImaXattrType::digest)};
  if (digest.algo->number > kSha1)
    bytes = {static_cast<std::uint8_t>(ImaXattrType::digest_ng), digest.algo->number};
  const auto value = digest.value->bytes();
  bytes.insert(bytes.end(), value.begin(), value.end());
  return bytes;
}

ImaVerdict ima_process(Walk& walk, const ImaKernel& kernel, const ImaEvent& event,
                       const ImaEvidence& evidence, const ImaInode& before) {
  return Process(walk, kernel, event, evidence, before).run();
}

const HashAlgo& ima_hash_algo(Walk& walk, const std::optional<ImaXattr>& xattr,
                              const HashAlgo& by_default) {
  if (!xattr || xattr->bytes.size() < 2) return by_default;
  const auto known = [&](std::uint8_t number) -> const HashAlgo& {
    const HashAlgo* algo = find_hash_algo(number);
    return algo != nullptr && walk.covers(algo->scope) ? *algo : by_default;
  };
  if (xattr->is(ImaXattrType::digest_ng)) return known(xattr->second);
  if (xattr->is(ImaXattrType::verity_signature) && xattr->second == 3 && xattr->signature)
    return known(xattr->signature->hash_algo);
  const bool has_version =
      xattr->second == 2 || (xattr->second == 3 && walk.covers(Scope::since(kAnchor72)));
  if (xattr->is(ImaXattrType::signature) && has_version && xattr->signature)
    return known(xattr->signature->hash_algo);
  // An MD5 digest used to be stored with four zeros behind it.
  constexpr std::size_t kMd5 = 17;
  constexpr std::size_t kSha1 = 21;
  if (!xattr->is(ImaXattrType::digest)) return by_default;
  const auto bytes = xattr->bytes.bytes();
  if (bytes.size() == kMd5) return *find_hash_algo("md5");
  if (bytes.size() != kSha1) return by_default;
  const bool padded =
      std::ranges::all_of(bytes.last(4), [](std::uint8_t byte) { return byte == 0; });
  return *find_hash_algo(padded ? "md5" : "sha1");
}

}  // namespace assay
