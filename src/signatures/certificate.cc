#include "signatures/certificate.h"

#include <fmt/format.h>

#include "signatures/rules.h"

namespace assay {

namespace {

namespace rule = rules::x509;

const Rule& rule_of(BerFaultKind kind) {
  switch (kind) {
    case BerFaultKind::too_long: return rules::asn1::size;
    case BerFaultKind::overrun: return rules::asn1::bounds;
    case BerFaultKind::unexpected_tag: return rules::asn1::tag;
    case BerFaultKind::long_tag: return rules::asn1::long_tag;
    case BerFaultKind::length_too_long: return rules::asn1::length;
    case BerFaultKind::indefinite_primitive: return rules::asn1::indefinite;
    case BerFaultKind::missing_end:
    case BerFaultKind::invalid_end: return rules::asn1::end_of_contents;
    case BerFaultKind::leftover: return rules::asn1::leftover;
    case BerFaultKind::too_deep: return rules::asn1::depth;
  }
  return rules::asn1::tag;
}

bool is_whole_octets(View bit_string) { return !bit_string.empty() && bit_string[0] == 0; }

// x509_cert_parser.c, in the order in which the bytes come.
class ItemChecker {
 public:
  ItemChecker(Walk& walk, const Certificate& certificate, CertificateState& state)
      : walk_(walk), certificate_(certificate), state_(state) {}

  Outcome check(const X509Item& item) {
    const Extent where = item.element.raw.extent();
    switch (item.place) {
      case X509Place::sig_algo: return sig_algo(item, where);
      case X509Place::not_before:
      case X509Place::not_after:
        return walk_.check(rule::time, parse_time(item.element).has_value(), where,
                           [&] { return std::string(item.element.content.text()); });
      case X509Place::key_data: return key_data(item, where);
      case X509Place::extension: return extension(item, where);
      case X509Place::signature: return signature(item, where);
    }
    return {};
  }

 private:
  Outcome sig_algo(const X509Item& item, Extent where) {
    state_.signed_with = find_certificate_algorithm(item.oid);
    const bool known = state_.signed_with != nullptr && walk_.covers(state_.signed_with->scope);
    return walk_.check(rule::sig_algo, known, where, [&] { return oid_text(item.oid_content); });
  }

  Outcome key_data(const X509Item& item, Extent where) {
    Oid curve = Oid::unknown;
    if (item.oid == Oid::ec_public_key) {
      bool well_formed = false;
      curve = named_curve(item.key_params, well_formed);
      if (const Outcome bad = walk_.check(rule::key_params, well_formed, item.key_params.extent());
          bad.failed())
        return bad;
    }
    const KeyAlgorithm* algorithm = find_key_algorithm(item.oid, curve);
    const bool known = algorithm != nullptr && walk_.covers(algorithm->scope);
    if (known) state_.key_kind = algorithm->kind;
    const auto name = [&] {
      if (item.oid != Oid::ec_public_key) return oid_text(item.oid_content);
      return "ecPublicKey on " + oid_text(item.key_params.sub(2, item.key_params.size() - 2));
    };
    if (const Outcome bad = walk_.check(rule::key_algo, known, where, name); bad.failed())
      return bad;
    return walk_.check(rule::key_bits, is_whole_octets(item.element.content), where);
  }

  Outcome extension(const X509Item& item, Extent where) {
    const View value = item.element.content;
    switch (item.oid) {
      case Oid::subject_key_identifier:
        return walk_.check(rule::skid, !item.repeated_skid && read_skid(value).has_value(), where);
      case Oid::key_usage:
        return walk_.check(rule::key_usage, read_key_usage(value, nullptr), where);
      case Oid::basic_constraints:
        return walk_.check(rule::basic_constraints, read_basic_constraints(value, nullptr), where);
      default: return {};
    }
  }

  Outcome signature(const X509Item& item, Extent where) {
    const bool same = same_bytes(item.oid_content, certificate_.sig_algo_oid);
    const auto both = [&] {
      return fmt::format("{} outside, {} inside", oid_text(item.oid_content),
                         oid_text(certificate_.sig_algo_oid));
    };
    if (const Outcome bad = walk_.check(rule::same_algo, same, where, both); bad.failed())
      return bad;
    return walk_.check(rule::signature_bits, is_whole_octets(item.element.content), where);
  }

  Walk& walk_;
  const Certificate& certificate_;
  CertificateState& state_;
};

// The grammar of authorityKeyIdentifier is another in 6.1.
Outcome check_akid(Walk& walk, const Certificate& certificate) {
  const bool differ = certificate.akid_fault.has_value() != certificate.akid_fault_61.has_value();
  const bool older = differ && !walk.covers(Scope::since(kAnchor612));
  return check_ber(walk, older ? certificate.akid_fault_61 : certificate.akid_fault,
                   "X.509: Couldn't decode AuthKeyIdentifier");
}

bool same_id(const std::optional<KeyId>& a, const std::optional<KeyId>& b) {
  return a && b && same_key_id(*a, *b);
}

// x509_check_for_self_signed.
Outcome check_self_signed(Walk& walk, const PreparedCertificate& prepared,
                          const KernelCrypto& crypto, PrimitiveCache& cache,
                          CertificateState& state) {
  const Certificate& certificate = prepared.x509();
  if (!same_bytes(certificate.subject, certificate.issuer)) return {};
  const auto auth_id = certificate.auth_id();
  const auto auth_skid = certificate.auth_skid();
  if (auth_id || auth_skid) {
    const bool by_skid = same_id(certificate.skid_id(), auth_skid);
    const bool by_id = same_id(certificate.id(), auth_id);
    if (!by_skid && !by_id) return {};
    const bool agree = by_skid == by_id || !auth_id || !auth_skid;
    if (const Outcome bad = walk.check(rule::self_signed_ids, agree, certificate.tbs.extent());
        bad.failed())
      return bad;
  }
  if (state.unsupported_sig) return {};
  if (const Outcome bad = verify_certificate_signature(walk, prepared, state, state.key_kind,
                                                       prepared.key(), crypto, cache);
      bad.failed()) {
    if (bad.err != Errno::enopkg) return bad;
    state.unsupported_sig = true;
    return {};
  }
  state.self_signed = true;
  return {};
}

bool is_blacklisted(Walk& walk, const PreparedCertificate& certificate, const Blocklist& blocklist,
                    bool hashed) {
  if (!blocklist.has_any(kBlockedTbs)) return false;
  // 7.2 compares the SHA-256 of every certificate; before, the digest of the certificate's own
  // signature.
  if (walk.covers(Scope::since(kAnchor72)))
    return certificate.tbs_sha256() && blocklist.lists(kBlockedTbs, *certificate.tbs_sha256());
  if (!hashed) return false;
  if (!certificate.own_tbs_digest())
    return walk.settle(Truth::unknown, "libcrypto: digest of a certificate on the tbs: blocklist");
  return blocklist.lists(kBlockedTbs, *certificate.own_tbs_digest());
}

std::optional<Digest> digest_of(std::optional<Hash> hash, View bytes) {
  if (!hash) return std::nullopt;
  auto digest = compute_digest(*hash, bytes.bytes());
  if (!digest) return std::nullopt;
  return *digest;
}

std::optional<Hash> own_hash(const Certificate& certificate) {
  const CertificateAlgorithm* algorithm = find_certificate_algorithm(certificate.sig_algo);
  return algorithm == nullptr ? std::nullopt : algorithm->hash;
}

}  // namespace

PreparedCertificate::PreparedCertificate(View der)
    : x509_(parse_certificate(der)),
      key_(x509_),
      own_tbs_digest_(digest_of(own_hash(x509_), x509_.tbs)),
      tbs_sha256_(digest_of(Hash::sha256, x509_.tbs)) {}

PreparedCertificate::PreparedCertificate(std::vector<std::uint8_t> der)
    : owned_(std::move(der)),
      x509_(parse_certificate(View(owned_))),
      key_(x509_),
      own_tbs_digest_(digest_of(own_hash(x509_), x509_.tbs)),
      tbs_sha256_(digest_of(Hash::sha256, x509_.tbs)) {}

std::shared_ptr<const PreparedCertificate> PreparedCertificate::own(std::vector<std::uint8_t> der) {
  return std::shared_ptr<const PreparedCertificate>(new PreparedCertificate(std::move(der)));
}

Outcome check_ber(Walk& walk, const std::optional<BerFault>& fault, std::string_view log) {
  if (!fault) return {};
  return walk.check(
      rule_of(fault->kind), false, fault->where, [&] { return describe(*fault); },
      [&] { return std::string(log); });
}

Outcome check_certificate(Walk& walk, const PreparedCertificate& prepared,
                          const KernelCrypto& crypto, const Blocklist& blocklist,
                          PrimitiveCache& cache, CertificateState& state) {
  const Certificate& certificate = prepared.x509();
  ItemChecker checker(walk, certificate, state);
  for (const X509Item& item : certificate.items)
    if (const Outcome bad = checker.check(item); bad.failed()) return bad;
  if (const Outcome bad = check_ber(walk, certificate.fault); bad.failed()) return bad;
  if (const Outcome bad = check_akid(walk, certificate); bad.failed()) return bad;

  // x509_get_sig_params.
  const std::optional<Hash> hash = state.signed_with->hash;
  const bool hashed =
      !hash || walk.settle(crypto.has(*hash), fmt::format("config: {}", hash_name(*hash)));
  state.unsupported_sig = !hashed;
  state.blacklisted = is_blacklisted(walk, prepared, blocklist, hash && hashed);
  return check_self_signed(walk, prepared, crypto, cache, state);
}

Outcome verify_certificate_signature(Walk& walk, const PreparedCertificate& certificate,
                                     const CertificateState& state, KeyKind issuer_kind,
                                     const PreparedKey& issuer, const KernelCrypto& crypto,
                                     PrimitiveCache& cache) {
  SignatureValue signature{state.signed_with->kind, state.signed_with->hash,
                           certificate.own_tbs_digest(), certificate.x509().signature};
  // Without the digest algorithm the kernel goes on with a digest of no bytes.
  if (state.unsupported_sig) signature.digest = Digest(*signature.hash, {});
  return verify_public_key(walk, issuer_kind, issuer, signature, crypto, cache);
}

}  // namespace assay
