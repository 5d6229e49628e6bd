#include "judge/pe_boot.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "formats/x509_outline.h"
#include "signatures/openssl_pkcs7.h"

namespace assay {

namespace {

namespace rule = rules::pe_boot;

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

// Pkcs7GetSigners: the certificates of the signers that are in the message.
std::vector<const PreparedCertificate*> signers_of(const SignatureEvidence& signature) {
  std::vector<const PreparedCertificate*> found;
  for (const CmsSigner& signer : signature.cms().signers)
    if (const PreparedCertificate* one = find_signer_certificate(signature, signer))
      found.push_back(one);
  return found;
}

// HashPeImageByType: firmware takes the algorithm from where the first of digestAlgorithms lies in
// a message with lengths of two octets.
std::optional<Hash> firmware_hash(View message) {
  constexpr std::size_t kPlace = 32;
  constexpr std::uint8_t kTwoOctets = 0x82;
  if (message.size() < 2 || (message[1] & kTwoOctets) != kTwoOctets) return std::nullopt;
  constexpr std::pair<Oid, Hash> kRows[] = {{Oid::sha1, Hash::sha1},
                                            {Oid::sha256, Hash::sha256},
                                            {Oid::sha384, Hash::sha384},
                                            {Oid::sha512, Hash::sha512}};
  for (const auto& [oid, hash] : kRows) {
    const auto wanted = oid_content(oid);
    if (message.size() >= kPlace + wanted.size() &&
        std::ranges::equal(message.sub(kPlace, wanted.size()).bytes(), wanted))
      return hash;
  }
  return std::nullopt;
}

// AuthenticodeVerify compares the end of the content, whatever algorithm that names.
bool content_ends_with(const SignatureEvidence& signature, const Digest& digest) {
  const auto& content = signature.cms().content;
  if (signature.cms().content_type != Oid::ms_indirect_data || !content) return false;
  // AuthenticodeVerify reads a length of one octet, or of two behind 82, and no other.
  const std::uint8_t length = content->raw[1];
  if ((length & 0x80) != 0 && (length & 0x82) != 0x82) return false;
  const View value = content->content;
  return value.size() >= digest.size() &&
         same_bytes(value.sub(value.size() - digest.size(), digest.size()), View(digest.bytes()));
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

// It takes what OpenSSL has of the content for a SEQUENCE with its header; of a string OpenSSL has
// the content alone.
bool is_content_odd(const SignatureEvidence& signature) {
  const auto& content = signature.cms().content;
  return content && content->tag != ber::kSequence;
}

constexpr const char* kOddContent = "a signed content that is no SEQUENCE";

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
    if (const auto damage = find_damage()) return refuse(rule::firmware_table, *damage, "");
    BootVerdict found;
    for (const PeCertificateEntry& entry : evidence_.entries) {
      if (!entry.signature) continue;
      const auto hash = firmware_hash(entry.signature->bytes());
      if (!hash) continue;
      if (is_content_odd(*entry.signature)) return leave_open(kOddContent);
      const Digest* digest = evidence_.digest(coverage_rule(), *hash);
      if (digest == nullptr) return leave_open("the digest of the image was not computed");
      const bool is_this = content_ends_with(*entry.signature, *digest);
      if (const auto bad = find_denying(entry, is_this, kDenied, rule::firmware_certificate_free))
        return *bad;
      if (found.standing != Standing::verified) {
        if (is_this)
          look_for_vouching(entry, kAllowed, found);
        else
          found = refuse_digest(rule::firmware_digest, entry, *digest);
      }
      if (const BootHash* denied = find_hash(kDenied, *hash))
        return refuse(rule::firmware_hash_free, entry.where, text_of(*denied));
      if (found.standing != Standing::verified)
        if (const BootHash* allowed = find_hash(kAllowed, *hash)) found = accept(allowed);
    }
    if (found.standing == Standing::verified || found.rule != nullptr || !found.because.empty())
      return found;
    return refuse(rule::firmware_authorized, {}, signers());
  }

  BootVerdict judge_shim() {
    static constexpr BootDatabase kAllowed[] = {BootDatabase::db, BootDatabase::vendor_db,
                                                BootDatabase::mok};
    static constexpr BootDatabase kDenied[] = {BootDatabase::vendor_dbx, BootDatabase::dbx,
                                               BootDatabase::mokx};
    // check_denylist and check_allowlist do not ask the owner's lists by SHA-1, nor the vendor's
    // db.
    static constexpr BootDatabase kDeniedBySha1[] = {BootDatabase::vendor_dbx, BootDatabase::dbx};
    static constexpr BootDatabase kAllowedBySha1[] = {BootDatabase::db};
    static constexpr Hash kSha256[] = {Hash::sha256};
    static constexpr Hash kSha1[] = {Hash::sha1};
    for (const BootHash* denied :
         {find_hash(kDenied, Hash::sha256), find_hash(kDeniedBySha1, Hash::sha1)})
      if (denied != nullptr) return refuse(rule::shim_hash_free, {}, text_of(*denied));
    for (const Databases databases : {Databases(kDenied), Databases(kAllowed)})
      if (const auto unread = find_unread(databases, kSha256)) return *unread;
    for (const Databases databases : {Databases(kDeniedBySha1), Databases(kAllowedBySha1)})
      if (const auto unread = find_unread(databases, kSha1)) return *unread;
    for (const BootHash* allowed :
         {find_hash(kAllowed, Hash::sha256), find_hash(kAllowedBySha1, Hash::sha1)})
      if (allowed != nullptr) return judge_sbat(accept(allowed));
    if (evidence_.headers.certificate_table->size == 0) return refuse(rule::shim_signed, {}, "");
    if (evidence_.damaged_table) return refuse(rule::shim_table, *evidence_.damaged_table, "");
    const Digest* digest = evidence_.digest(coverage_rule(), Hash::sha256);
    if (digest == nullptr) return leave_open("the digest of the image was not computed");
    BootVerdict found;
    BootVerdict denied;
    for (const PeCertificateEntry& entry : evidence_.entries) {
      if (entry.certificate.type != pe::kTypePkcs7 || !entry.signature) continue;
      if (is_content_odd(*entry.signature)) return leave_open(kOddContent);
      const bool is_this = content_ends_with(*entry.signature, *digest);
      if (const auto bad = find_denying(entry, is_this, kDenied, rule::shim_certificate_free)) {
        denied = *bad;  // only this signature is lost by it
        continue;
      }
      if (found.standing == Standing::verified) continue;
      if (is_this)
        look_for_vouching(entry, kAllowed, found);
      else
        found = refuse_digest(rule::shim_digest, entry, *digest);
    }
    if (found.standing == Standing::verified) return judge_sbat(found);
    if (denied.rule != nullptr || !denied.because.empty()) return denied;
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

  // Where the walk over the entries does not end at the table's end. Firmware wants the last one's
  // alignment to lie in the table, and no message of no bytes.
  std::optional<Extent> find_damage() const {
    if (evidence_.damaged_table) return evidence_.damaged_table;
    const auto& table = evidence_.headers.certificate_table;
    for (const PeCertificateEntry& entry : evidence_.entries) {
      constexpr std::uint64_t kAlignment = 8;
      const std::uint64_t header =
          entry.certificate.type == pe::kTypePkcs7     ? pe::kCertificateHeaderSize
          : entry.certificate.type == pe::kTypeEfiGuid ? pe::kGuidHeaderSize
                                                       : 0;
      const std::uint64_t aligned = (entry.where.size + kAlignment - 1) / kAlignment * kAlignment;
      if (entry.where.size <= header ||
          entry.where.offset + aligned > std::uint64_t{table->address} + table->size)
        return entry.where;
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
      if (is_one_of(entry.database, databases) && !is_ignored(entry.database) &&
          has_size_of_type(entry) && hash_of(entry.type) == hash &&
          std::ranges::equal(entry.digest, digest->bytes()))
        return &entry;
    return nullptr;
  }

  // IsSignatureFoundInDatabase wants entries of the digest's size; shim looks at their start.
  bool has_size_of_type(const BootHash& entry) const {
    return !is_firmware_ || entry.revocation_time.empty();
  }

  // MokIgnoreDB
  bool is_ignored(BootDatabase database) const {
    return !is_firmware_ && material_.ignores_db && database == BootDatabase::db;
  }

  // Does the verifier ask this certificate at all?
  bool is_asked(const BootCertificate& certificate, Databases databases) const {
    if (certificate.database != BootDatabase::option && !is_one_of(certificate.database, databases))
      return false;
    if (is_ignored(certificate.database)) return false;
    return is_firmware_ || is_asked_by_shim(certificate);
  }

  // check_db_cert_in_ram: of each list the first certificate, in the form that is usual, and not
  // one for modules.
  static bool is_asked_by_shim(const BootCertificate& certificate) {
    if (!certificate.is_in_list && certificate.database != BootDatabase::option) return true;
    if (!certificate.is_first || !certificate.is_framed) return false;
    const auto outline = outline_of(certificate.certificate->x509());
    if (!outline) return true;
    return std::ranges::none_of(outline->extensions, [](const X509Extension& extension) {
      return extension.oid == Oid::extended_key_usage &&
             has_extended_usage(extension.value, Oid::eku_module_signing);
    });
  }

  // `is_this`: the signed digest is that of the image; a signature of another denies nothing.
  std::optional<BootVerdict> find_denying(const PeCertificateEntry& entry, bool is_this,
                                          Databases databases, const BootRule& rule) {
    for (const BootCertificate& certificate : material_.certificates) {
      if (!is_this || !is_one_of(certificate.database, databases) ||
          !is_asked(certificate, databases))
        continue;
      const OpensslAnswer denied = ask_openssl(*entry.signature, *certificate.certificate);
      if (denied.accepts == Truth::no) continue;
      if (denied.accepts == Truth::unknown) return leave_open(denied.because);
      return refuse(rule, entry.where, text_of(certificate));
    }
    if (!is_firmware_ || !material_.has(BootDatabase::dbx))
      return std::nullopt;  // shim does not look at digests of certificates
    const auto signers = signers_of(*entry.signature);
    // IsForbiddenByDbx, as soon as there is a dbx.
    if (signers.size() != entry.signature->cms().signers.size() || signers.empty())
      return refuse(rule, entry.where, "the signer's certificate is not in the message");
    return find_denied_digest(*entry.signature, signers, databases, rule, entry.where);
  }

  std::optional<BootVerdict> find_denied_digest(const SignatureEvidence& signature,
                                                std::span<const PreparedCertificate* const> signers,
                                                Databases databases, const BootRule& rule,
                                                Extent where) const {
    for (const BootHash& hash : material_.hashes) {
      if (!is_one_of(hash.database, databases)) continue;
      for (const PreparedCertificate* signer : signers) {
        if (!is_digest_of(hash, *signer)) continue;
        if (!is_always_revoked(hash)) return leave_open(kTimeStamps);
        return refuse(rule, where, short_name(signer->x509().subject));
      }
      // The UEFI specification denies by any certificate of the chain, EDK2 by the signer's.
      for (const auto& other : signature.certificates())
        if (is_digest_of(hash, *other))
          return leave_open(
              fmt::format("dbx has the digest of \"{}\", which stands above the "
                          "signer's certificate: EDK2 looks at the signer's alone",
                          short_name(other->x509().subject)));
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

  static BootVerdict refuse_digest(const BootRule& rule, const PeCertificateEntry& entry,
                                   const Digest& digest) {
    const auto& signed_digest = entry.indirect.digest;
    return refuse(
        rule, entry.where,
        fmt::format("signed {}, image has {}",
                    signed_digest ? to_hex(signed_digest->bytes()) : "none", digest.hex()));
  }

  // The first certificate that the signature ends in decides, revoked or not.
  void look_for_vouching(const PeCertificateEntry& entry, Databases databases,
                         BootVerdict& found) const {
    for (const BootCertificate& certificate : material_.certificates) {
      if (!is_asked(certificate, databases)) continue;
      const OpensslAnswer vouches = ask_openssl(*entry.signature, *certificate.certificate);
      if (vouches.accepts == Truth::unknown) {
        found = leave_open(vouches.because);
        continue;
      }
      if (vouches.accepts == Truth::no) {
        if (!vouches.because.empty() && found.rule == nullptr && found.because.empty())
          found = refuse(is_firmware_ ? rule::firmware_authorized : rule::shim_authorized,
                         entry.where, vouches.because);
        continue;
      }
      std::string why;
      const Truth trusted = is_firmware_ ? is_still_trusted(certificate, why) : Truth::yes;
      if (trusted == Truth::unknown) found = leave_open(why);
      if (trusted == Truth::no)
        found = refuse(rule::firmware_certificate_free, entry.where, text_of(certificate));
      if (trusted == Truth::yes) {
        found = {};
        found.standing = Standing::verified;
        found.certificate = &certificate;
      }
      return;
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
