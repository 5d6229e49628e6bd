#include "judge/pe_boot.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "signatures/rules.h"

namespace assay {

namespace {

namespace rule = rules::pe_boot;

constexpr KernelId kReader{kAnchor72, Variant::mainline, Arch::x86_64};

// Did a key of `certificate`, or one that it vouches for inside the message, make this signature?
Truth is_signed_by(const SignatureEvidence& signature, const BootCertificate& certificate,
                   std::string& why) {
  Walk walk(kReader, {}, true);
  SignatureContext context;
  PrimitiveCache cache;
  CertificateState state;
  if (check_certificate(walk, *certificate.certificate, context.crypto, context.blocklist, cache,
                        state)
          .failed()) {
    why = "a certificate that the kernel's rules do not read";
    return Truth::unknown;
  }
  Keyring ring("one certificate");
  ring.add({certificate.certificate, state, KeyState::good, false, certificate.source});
  TrustedBy by;
  const SignatureKeyrings keyrings{&ring, false, nullptr};
  const Outcome outcome =
      verify_pkcs7_attached(walk, signature, context, keyrings, Usage::kexec_pe, by);
  if (!outcome.failed()) return walk.choices().empty() ? Truth::yes : Truth::unknown;
  if (outcome.err == Errno::enokey) return Truth::no;
  const Rule* failed =
      outcome.step < 0 ? nullptr : walk.steps()[static_cast<std::size_t>(outcome.step)].rule;
  const bool is_wrong = failed != nullptr && (failed->mechanism() == "public-key" ||
                                              failed == &rules::pkcs7::message_digest ||
                                              failed == &rules::pkcs7::trusted_signature);
  if (is_wrong) return Truth::no;
  why = failed == nullptr ? std::string("the message") : std::string(failed->id);
  return Truth::unknown;
}

std::optional<Hash> certificate_hash_of(EfiSignatureType type) {
  switch (type) {
    case EfiSignatureType::x509_sha256: return Hash::sha256;
    case EfiSignatureType::x509_sha384: return Hash::sha384;
    case EfiSignatureType::x509_sha512: return Hash::sha512;
    default: return std::nullopt;
  }
}

// Is the entry the digest of the certificate's signed part?
bool is_digest_of(const BootHash& entry, const PreparedCertificate& certificate) {
  const auto hash = certificate_hash_of(entry.type);
  if (!hash) return false;
  const auto digest = compute_digest(*hash, certificate.x509().tbs.bytes());
  return digest && std::ranges::equal(digest->bytes(), entry.digest);
}

// Signatures with a time stamp from before a revocation are still good.
bool is_always_revoked(const BootHash& entry) {
  return std::ranges::all_of(entry.revocation_time, [](std::uint8_t byte) { return byte == 0; });
}

constexpr const char* kTimeStamps = "revoked from a certain time on, and time stamps are not read";

// A certificate in the message that the entry is the digest of.
const PreparedCertificate* find_embedded(const SignatureEvidence& signature,
                                         const BootHash& entry) {
  for (const auto& certificate : signature.certificates())
    if (is_digest_of(entry, *certificate)) return certificate.get();
  return nullptr;
}

std::optional<Hash> hash_of(EfiSignatureType type) {
  switch (type) {
    case EfiSignatureType::sha1: return Hash::sha1;
    case EfiSignatureType::sha256: return Hash::sha256;
    case EfiSignatureType::sha384: return Hash::sha384;
    case EfiSignatureType::sha512: return Hash::sha512;
    default: return std::nullopt;
  }
}

class BootJudge {
 public:
  BootJudge(BootVerifier verifier, const PeBootEvidence& evidence, const BootMaterial& material)
      : is_firmware_(verifier == BootVerifier::firmware),
        needs_sbat_(verifier == BootVerifier::shim),
        evidence_(evidence),
        material_(material) {}

  BootVerdict judge() {
    const Coverage& coverage = evidence_.coverage(coverage_rule());
    if (!evidence_.headers.optional)
      return refuse(is_firmware_ ? rule::firmware_image : rule::shim_image, {}, "");
    if (!coverage.is_defined())
      return refuse(is_firmware_ ? rule::firmware_image : rule::shim_image, coverage.refused_at,
                    coverage.refusal);
    return is_firmware_ ? judge_firmware() : judge_shim();
  }

 private:
  using Databases = std::span<const BootDatabase>;

  CoverageRule coverage_rule() const {
    return is_firmware_ ? CoverageRule::firmware : CoverageRule::shim;
  }

  // Digests by these algorithms are in the lists, and the image's was not computed.
  std::optional<BootVerdict> find_unread(Databases databases, std::span<const Hash> hashes) const {
    for (const BootHash& entry : material_.hashes) {
      const auto hash = hash_of(entry.type);
      if (hash && is_one_of(entry.database, databases) &&
          std::ranges::find(hashes, *hash) != hashes.end() &&
          evidence_.digest(coverage_rule(), *hash) == nullptr)
        return leave_open(fmt::format("{} lists a {} digest, that of the image was not computed",
                                      entry.source, hash_name(*hash)));
    }
    return std::nullopt;
  }

  BootVerdict judge_firmware() {
    static constexpr BootDatabase kAllowed[] = {BootDatabase::db};
    static constexpr BootDatabase kDenied[] = {BootDatabase::dbx};
    const bool is_signed =
        evidence_.headers.optional->directory_count > pe::kCertificateDirectory &&
        evidence_.headers.certificate_table->size != 0;
    if (!is_signed) {
      static constexpr Hash kHashes[] = {Hash::sha1, Hash::sha256, Hash::sha384, Hash::sha512};
      static constexpr BootDatabase kBoth[] = {BootDatabase::db, BootDatabase::dbx};
      if (const BootHash* hash = find_hash(kDenied, Hash::sha256))
        return refuse(rule::firmware_unsigned_hash_free, {}, text_of(*hash));
      if (const auto unread = find_unread(kBoth, kHashes)) return *unread;
      if (const BootHash* hash = find_hash(kAllowed, Hash::sha256)) return accept(hash);
      return refuse(rule::firmware_unsigned_hash_allowed, {}, "");
    }
    BootVerdict found;
    for (const PeCertificateEntry& entry : evidence_.entries) {
      const auto hash = signed_hash(entry);
      if (!hash) continue;
      if (const auto bad = find_denying(entry, kDenied, rule::firmware_certificate_free))
        return *bad;
      if (const BootHash* denied = find_hash(kDenied, *hash))
        return refuse(rule::firmware_hash_free, entry.where, text_of(*denied));
      look_for_vouching(entry, *hash, kAllowed, rule::firmware_digest, found);
      if (found.standing != Standing::verified)
        if (const BootHash* allowed = find_hash(kAllowed, *hash)) found = accept(allowed);
    }
    if (evidence_.damaged_table) return refuse(rule::firmware_table, *evidence_.damaged_table, "");
    if (found.standing == Standing::verified || found.rule != nullptr || !found.because.empty())
      return found;
    return refuse(rule::firmware_authorized, {}, signers());
  }

  BootVerdict judge_shim() {
    static constexpr BootDatabase kAllowed[] = {BootDatabase::db, BootDatabase::vendor_db,
                                                BootDatabase::mok};
    static constexpr BootDatabase kDenied[] = {BootDatabase::vendor_dbx, BootDatabase::dbx,
                                               BootDatabase::mokx};
    for (const Hash hash : {Hash::sha256, Hash::sha1})
      if (const BootHash* denied = find_hash(kDenied, hash))
        return refuse(rule::shim_hash_free, {}, text_of(*denied));
    static constexpr Hash kHashes[] = {Hash::sha256, Hash::sha1};
    for (const Databases databases : {Databases(kDenied), Databases(kAllowed)})
      if (const auto unread = find_unread(databases, kHashes)) return *unread;
    for (const Hash hash : kHashes)
      if (const BootHash* allowed = find_hash(kAllowed, hash)) return judge_sbat(accept(allowed));
    if (evidence_.headers.certificate_table->size == 0) return refuse(rule::shim_signed, {}, "");
    BootVerdict found;
    BootVerdict denied;
    for (const PeCertificateEntry& entry : evidence_.entries) {
      if (entry.certificate.type != pe::kTypePkcs7 || !entry.signature) continue;
      if (const auto bad = find_denying(entry, kDenied, rule::shim_certificate_free)) {
        denied = *bad;  // only this signature is lost by it
        continue;
      }
      if (found.standing != Standing::verified)
        look_for_vouching(entry, Hash::sha256, kAllowed, rule::shim_digest, found);
    }
    if (evidence_.damaged_table) return refuse(rule::shim_table, *evidence_.damaged_table, "");
    if (found.standing == Standing::verified) return judge_sbat(found);
    if (denied.rule != nullptr) return denied;
    if (found.rule != nullptr || !found.because.empty()) return found;
    return refuse(rule::shim_authorized, {}, signers());
  }

  BootVerdict judge_sbat(BootVerdict verdict) {
    if (!material_.sbat_level || material_.sbat_level->empty()) return verdict;
    if (!evidence_.sbat) {
      return needs_sbat_ ? refuse(rule::shim_sbat_form, {}, "no .sbat section") : verdict;
    }
    const auto& entries = *evidence_.sbat;
    if (!entries)
      return refuse(rule::shim_sbat_form, entries.error().where, entries.error().detail);
    if (const auto conflict = find_revoked(*entries, *material_.sbat_level))
      return refuse(
          rule::shim_sbat, {},
          fmt::format("{} {}, at least {}", conflict->entry->component, conflict->entry->generation,
                      conflict->revocation->least_generation));
    return verdict;
  }

  // The algorithm by which the image is hashed for this entry; shim takes SHA-256 always.
  std::optional<Hash> signed_hash(const PeCertificateEntry& entry) const {
    if (!entry.signature || !entry.indirect.digest_algo) return std::nullopt;
    const Oid oid = find_oid(*entry.indirect.digest_algo);
    for (const Hash hash : {Hash::sha1, Hash::sha256, Hash::sha384, Hash::sha512}) {
      const DigestAlgorithm* algorithm = find_digest_algorithm(oid);
      if (algorithm != nullptr && algorithm->hash == hash) return hash;
    }
    return std::nullopt;
  }

  static bool is_one_of(BootDatabase database, Databases databases) {
    return std::ranges::find(databases, database) != databases.end();
  }

  // An entry of these databases that is the image's digest.
  const BootHash* find_hash(Databases databases, Hash hash) const {
    const Digest* digest = evidence_.digest(coverage_rule(), hash);
    if (digest == nullptr) return nullptr;
    for (const BootHash& entry : material_.hashes)
      if (is_one_of(entry.database, databases) && hash_of(entry.type) == hash &&
          std::ranges::equal(entry.digest, digest->bytes()))
        return &entry;
    return nullptr;
  }

  std::optional<BootVerdict> find_denying(const PeCertificateEntry& entry, Databases databases,
                                          const BootRule& rule) {
    std::string why;
    for (const BootCertificate& certificate : material_.certificates) {
      if (!is_one_of(certificate.database, databases)) continue;
      const Truth denied = is_signed_by(*entry.signature, certificate, why);
      if (denied == Truth::no) continue;
      if (denied == Truth::unknown) return leave_open(why);
      return refuse(rule, entry.where, text_of(certificate));
    }
    if (!is_firmware_) return std::nullopt;  // shim does not look at digests of certificates
    for (const BootHash& hash : material_.hashes) {
      if (!is_one_of(hash.database, databases)) continue;
      const PreparedCertificate* found = find_embedded(*entry.signature, hash);
      if (found == nullptr) continue;
      if (!is_always_revoked(hash)) return leave_open(kTimeStamps);
      return refuse(rule, entry.where, short_name(found->x509().subject));
    }
    return std::nullopt;
  }

  // IsAllowedByDb asks whether a digest of the root itself is in dbx: the message may lack it.
  Truth is_still_trusted(const BootCertificate& root, std::string& why) const {
    for (const BootHash& hash : material_.hashes) {
      if (hash.database != BootDatabase::dbx || !is_digest_of(hash, *root.certificate)) continue;
      if (is_always_revoked(hash)) return Truth::no;
      why = kTimeStamps;
      return Truth::unknown;
    }
    return Truth::yes;
  }

  void look_for_vouching(const PeCertificateEntry& entry, Hash hash, Databases databases,
                         const BootRule& digest_rule, BootVerdict& found) {
    const Digest* digest = evidence_.digest(coverage_rule(), hash);
    if (digest == nullptr || !entry.indirect.digest) {
      found = leave_open("the digest was not computed");
      return;
    }
    if (!std::ranges::equal(entry.indirect.digest->bytes(), digest->bytes())) {
      found = refuse(digest_rule, entry.where,
                     fmt::format("signed {}, image has {}", to_hex(entry.indirect.digest->bytes()),
                                 digest->hex()));
      return;
    }
    std::string why;
    for (const BootCertificate& certificate : material_.certificates) {
      const bool counts = certificate.database == BootDatabase::option ||
                          is_one_of(certificate.database, databases);
      if (!counts) continue;
      Truth vouches = is_signed_by(*entry.signature, certificate, why);
      if (vouches == Truth::yes && is_firmware_) vouches = is_still_trusted(certificate, why);
      if (vouches == Truth::yes) {
        found = {};
        found.standing = Standing::verified;
        found.certificate = &certificate;
        return;
      }
      if (vouches == Truth::unknown) found = leave_open(why);
    }
  }

  std::string signers() const {
    std::string text;
    for (const PeCertificateEntry& entry : evidence_.entries) {
      if (!entry.signature) continue;
      for (const CmsSigner& signer : entry.signature->cms().signers)
        text += fmt::format("{}issuer {}", text.empty() ? "" : ", ", short_name(signer.issuer));
    }
    return text;
  }

  static std::string text_of(const BootHash& hash) {
    return fmt::format("{} in {}", to_hex(hash.digest), hash.source);
  }
  static std::string text_of(const BootCertificate& certificate) {
    return fmt::format("\"{}\" in {} of {}", short_name(certificate.certificate->x509().subject),
                       database_name(certificate.database), certificate.source);
  }

  static BootVerdict accept(const BootHash* hash) {
    BootVerdict verdict;
    verdict.standing = Standing::verified;
    verdict.hash = hash;
    return verdict;
  }

  bool is_firmware_;
  bool needs_sbat_;
  const PeBootEvidence& evidence_;
  const BootMaterial& material_;
};

}  // namespace

std::string_view verifier_name(BootVerifier verifier) {
  switch (verifier) {
    case BootVerifier::firmware: return "firmware";
    case BootVerifier::shim: return "shim";
    case BootVerifier::grub: return "grub";
  }
  return "firmware";
}

const Digest* PeBootEvidence::digest(CoverageRule rule, Hash hash) const {
  if (!coverage(rule).is_defined()) return nullptr;
  for (const ImageDigest& one : digests)
    if (one.digest.hash() == hash &&
        (one.rule == rule || coverage(one.rule).hashes_like(coverage(rule))))
      return &one.digest;
  return nullptr;
}

BootVerdict refuse(const BootRule& rule, Extent where, std::string because) {
  BootVerdict verdict;
  verdict.standing = rule.standing;
  verdict.rule = &rule;
  verdict.where = where;
  verdict.because = std::move(because);
  return verdict;
}

BootVerdict leave_open(const std::string& why) {
  BootVerdict verdict;
  verdict.because = "not known: " + why;
  return verdict;
}

BootVerdict judge_boot(BootVerifier verifier, const PeBootEvidence& evidence,
                       const BootMaterial& material) {
  return BootJudge(verifier, evidence, material).judge();
}

}  // namespace assay
