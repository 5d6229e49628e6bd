#include "signatures/openssl_pkcs7.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/hex.h"
#include "formats/cms_outline.h"
#include "formats/is_der.h"
#include "formats/x509_outline.h"

namespace assay {

namespace {

// Whose public-key mathematics and digests are asked: that of the newest kernel has all of them.
constexpr KernelId kAlgorithms{kAnchor72, Variant::mainline, Arch::x86_64};

OpensslAnswer yes() { return {Truth::yes, ""}; }
OpensslAnswer no(std::string because) { return {Truth::no, std::move(because)}; }
OpensslAnswer open(std::string because) { return {Truth::unknown, std::move(because)}; }

std::string quoted_name(const Certificate& certificate) {
  return '"' + short_name(certificate.subject) + '"';
}

// X509_supported_extension: the critical extensions that verification knows.
bool is_supported(Oid oid) {
  switch (oid) {
    case Oid::netscape_certificate_type:
    case Oid::key_usage:
    case Oid::subject_alt_name:
    case Oid::basic_constraints:
    case Oid::certificate_policies:
    case Oid::crl_distribution_points:
    case Oid::extended_key_usage:
    case Oid::ocsp_no_check:
    case Oid::policy_constraints:
    case Oid::proxy_certificate:
    case Oid::name_constraints:
    case Oid::policy_mappings:
    case Oid::inhibit_any_policy: return true;
    default: return false;
  }
}

// A certificate as ossl_x509v3_cache_extensions sees it.
struct ChainCertificate {
  const PreparedCertificate* prepared = nullptr;
  bool is_read = true;
  bool is_version_1 = false;
  std::optional<bool> key_cert_sign;  // of keyUsage, where there is one
  std::optional<bool> ca;             // of basicConstraints, where there are some
  std::optional<unsigned> path_length;
  bool has_netscape_type = false;
  bool is_signed_as_said = true;  // the algorithm beside the signature is that which is signed
  std::string unknown_critical;   // an extension
  std::string unmodelled;         // an extension that weighs in, and that is not looked at here

  const Certificate& x509() const { return prepared->x509(); }
};

// BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }
bool read_constraints(View value, ChainCertificate& out) {
  BerDecoder ber(value);
  BerElement element;
  ber.enter(ber::kSequence);
  out.ca = false;
  if (ber.leaf_or_skip(ber::kBoolean, element))
    out.ca = element.content.size() == 1 && element.content[0] != 0;
  if (ber.leaf_or_skip(ber::kInteger, element)) {
    if (element.content.size() != 1 || element.content[0] >= 0x80) return false;
    out.path_length = element.content[0];
  }
  ber.leave();
  // OpenSSL marks a path length where there is no CA as invalid.
  return ber.ok() && (*out.ca || !out.path_length);
}

bool read_usage(View value, ChainCertificate& out) {
  constexpr std::uint8_t kKeyCertSign = 0x04;
  BerDecoder ber(value);
  BerElement element;
  if (!ber.leaf(ber::kBitString, element) || element.content.size() < 2) return false;
  out.key_cert_sign = (element.content[1] & kKeyCertSign) != 0;
  return true;
}

ChainCertificate look_at(const PreparedCertificate& prepared) {
  ChainCertificate out;
  out.prepared = &prepared;
  const Certificate& x509 = prepared.x509();
  const auto outline = outline_of(x509);
  out.is_read = !x509.fault && !x509.akid_fault && outline && is_der(x509.raw);
  if (!out.is_read) return out;
  out.is_version_1 = outline->is_version_1;
  out.is_signed_as_said = same_bytes(outline->algorithm, outline->signed_algorithm);
  std::vector<Oid> seen;
  for (const X509Extension& extension : outline->extensions) {
    if (extension.is_critical && !is_supported(extension.oid))
      out.unknown_critical = oid_text(extension.oid);
    // A second extension of one kind makes the certificate invalid.
    if (extension.oid != Oid::unknown && std::ranges::find(seen, extension.oid) != seen.end())
      out.is_read = false;
    seen.push_back(extension.oid);
    const auto is_good = is_der(extension.value) ? is_well_formed(extension) : std::optional(false);
    if (is_good == false && extension.oid != Oid::unknown) out.is_read = false;
    if (!is_good) out.unmodelled = oid_text(extension.oid);
    switch (extension.oid) {
      case Oid::basic_constraints:
        out.is_read = out.is_read && read_constraints(extension.value, out);
        break;
      case Oid::key_usage: out.is_read = out.is_read && read_usage(extension.value, out); break;
      case Oid::netscape_certificate_type: out.has_netscape_type = true; break;
      case Oid::proxy_certificate:
      case Oid::name_constraints:
      case Oid::ip_address_blocks:
      case Oid::autonomous_system_numbers: out.unmodelled = oid_text(extension.oid); break;
      default: break;
    }
  }
  return out;
}

// X509_NAME_cmp.
Truth is_same_name(View a, View b) {
  if (same_bytes(a, b)) return Truth::yes;
  return may_be_same_name(a, b) ? Truth::unknown : Truth::no;
}

// X509_check_akid
Truth matches_identifier(const Certificate& issuer, const Certificate& subject) {
  if (subject.akid_key && issuer.skid && !same_bytes(*subject.akid_key, *issuer.skid))
    return Truth::no;
  if (subject.akid_serial && !same_bytes(*subject.akid_serial, issuer.serial)) return Truth::no;
  if (subject.akid_issuer) return is_same_name(*subject.akid_issuer, issuer.issuer);
  return Truth::yes;
}

// check_sig_alg_match. A key of RSA may sign with PSS, and there are more kinds than are known
// here.
Truth is_of_kind(const Certificate& issuer, const Certificate& subject) {
  const bool is_rsa = issuer.key_algo == Oid::rsa;
  if (!is_rsa && issuer.key_algo != Oid::ec_public_key) return Truth::unknown;
  const CertificateAlgorithm* algorithm = find_certificate_algorithm(subject.sig_algo);
  if (algorithm == nullptr) return Truth::unknown;
  const bool is_by_rsa = algorithm->kind == KeyKind::rsa;
  if (!is_by_rsa && algorithm->kind != KeyKind::ecdsa) return Truth::unknown;
  return truth(is_rsa == is_by_rsa);
}

// ossl_x509_likely_issued
Truth is_likely_issued(const Certificate& issuer, const Certificate& subject) {
  const Truth named = is_same_name(issuer.subject, subject.issuer);
  if (named == Truth::no) return named;
  return named && matches_identifier(issuer, subject) && is_of_kind(issuer, subject);
}

// Did the key of `issuer` make this value over this digest? Not known for what firmware's OpenSSL
// may lack.
OpensslAnswer verify_value(const PreparedCertificate& issuer, const SignatureValue& value,
                           const std::string& what) {
  if (issuer.x509().key_algo != Oid::rsa)
    return open(fmt::format("{} is by a key that is none of RSA", what));
  if (!value.digest) return open(fmt::format("the digest for {} was not computed", what));
  const Hash hash = value.digest->hash();
  if (hash != Hash::sha256 && hash != Hash::sha384 && hash != Hash::sha512)
    return open(
        fmt::format("{} is over {}, which not every build of OpenSSL has", what, hash_name(hash)));
  Walk walk(kAlgorithms, {}, false);
  // Of its own: trusted certificates come and go, and a cache goes by where a key lies.
  PrimitiveCache cache;
  const Outcome outcome =
      verify_public_key(walk, KeyKind::rsa, issuer.key(), value, KernelCrypto(), cache);
  if (!walk.choices().empty()) return open(what);
  return outcome.failed()
             ? no(fmt::format("{} is not by the key of {}", what, quoted_name(issuer.x509())))
             : yes();
}

constexpr const char* kMayHaveIssued =
    "an issuer whose name is written in two ways, or a signature of a kind that is not known here";

class ChainWalk {
 public:
  ChainWalk(const SignatureEvidence& signature, const PreparedCertificate& trusted)
      : signature_(signature), trusted_(trusted) {}

  OpensslAnswer verify(const PreparedCertificate& leaf) && {
    chain_.push_back(look_at(leaf));
    OpensslAnswer built = build();
    if (built.accepts != Truth::yes) return built;
    OpensslAnswer extensions = check_extensions();
    if (extensions.accepts == Truth::no) return extensions;
    OpensslAnswer signatures = check_signatures();
    return signatures.accepts == Truth::yes ? extensions : signatures;
  }

 private:
  // build_chain, trusted certificates first.
  OpensslAnswer build() {
    for (;;) {
      const ChainCertificate& top = chain_.back();
      if (!top.is_read) return open("a certificate that is not DER, or has what it should not");
      const bool is_self_issued = same_bytes(top.x509().issuer, top.x509().subject) &&
                                  is_likely_issued(top.x509(), top.x509()) == Truth::yes;
      const Truth issued = is_likely_issued(trusted_.x509(), top.x509());
      if (issued == Truth::unknown) return open(kMayHaveIssued);
      if (issued == Truth::yes && !is_self_issued) {
        chain_.push_back(look_at(trusted_));
        return chain_.back().is_read ? yes() : open("the trusted certificate is not DER");
      }
      if (issued == Truth::yes && same_bytes(top.x509().raw, trusted_.x509().raw)) return yes();
      const PreparedCertificate* issuer = nullptr;
      if (!is_self_issued)
        if (const Truth found = find_issuer(top.x509(), issuer); found == Truth::unknown)
          return open(kMayHaveIssued);
      if (issuer == nullptr) break;
      chain_.push_back(look_at(*issuer));
    }
    // check_trust: the signer's certificate itself may be the trusted one.
    if (same_bytes(chain_[0].x509().raw, trusted_.x509().raw)) return yes();
    return no("");
  }

  Truth find_issuer(const Certificate& subject, const PreparedCertificate*& out) const {
    for (const auto& one : signature_.certificates()) {
      const auto is_this = [&](const ChainCertificate& link) {
        return same_bytes(link.x509().raw, one->x509().raw);
      };
      if (std::ranges::any_of(chain_, is_this)) continue;
      const Truth issued = is_likely_issued(one->x509(), subject);
      if (issued == Truth::no) continue;
      out = one.get();
      return issued;
    }
    return Truth::no;
  }

  // X509_check_ca, and what check_extensions asks beside it.
  OpensslAnswer check_extensions() const {
    unsigned path = 0;  // certificates between this one and the signer's that are not self-issued
    OpensslAnswer answer = yes();
    for (std::size_t i = 0; i < chain_.size(); ++i) {
      const ChainCertificate& one = chain_[i];
      const std::string name = quoted_name(one.x509());
      if (!one.unknown_critical.empty())
        return no(fmt::format("{} has a critical extension that OpenSSL does not know: {}", name,
                              one.unknown_critical));
      if (i > 0) {
        if (one.key_cert_sign == false)
          return no(fmt::format("the key usage of {} lacks keyCertSign", name));
        if (one.ca == false) return no(fmt::format("{} is not of a CA", name));
        if (!one.ca) {
          // Of a root without basicConstraints one of version 1, or its key usage, is enough.
          const bool may_be_root =
              i + 1 == chain_.size() &&
              (one.is_version_1 || one.key_cert_sign == true || one.has_netscape_type);
          if (!may_be_root) return no(fmt::format("{} is not of a CA", name));
          answer = open(fmt::format("{} says nothing about being of a CA", name));
        }
        if (i > 1 && one.path_length && path > *one.path_length)
          return no(fmt::format("the path length of {} is exceeded", name));
        if (!same_bytes(one.x509().issuer, one.x509().subject)) ++path;
      }
      if (!one.unmodelled.empty())
        answer = open(fmt::format("{} has the extension {}", name, one.unmodelled));
    }
    return answer;
  }

  // internal_verify: every certificate by the next; the last is trusted as it is.
  OpensslAnswer check_signatures() const {
    OpensslAnswer answer = yes();
    for (std::size_t i = 0; i + 1 < chain_.size(); ++i) {
      const PreparedCertificate& one = *chain_[i].prepared;
      if (!chain_[i].is_signed_as_said)
        return no(fmt::format("{} names one algorithm inside and another beside its signature",
                              quoted_name(one.x509())));
      const CertificateAlgorithm* algorithm = find_certificate_algorithm(one.x509().sig_algo);
      if (algorithm == nullptr) return open("a certificate's signature of an unknown kind");
      const SignatureValue value{algorithm->kind, algorithm->hash, one.own_tbs_digest(),
                                 one.x509().signature};
      OpensslAnswer holds = verify_value(*chain_[i + 1].prepared, value,
                                         "the signature on " + quoted_name(one.x509()));
      if (holds.accepts == Truth::no) return holds;
      if (holds.accepts == Truth::unknown) answer = std::move(holds);
    }
    return answer;
  }

  const SignatureEvidence& signature_;
  const PreparedCertificate& trusted_;
  std::vector<ChainCertificate> chain_;
};

// WrapPkcs7Data: a message with other lengths than of two octets is wrapped once more, and then
// is none.
bool is_recognised(View message) {
  constexpr std::size_t kHeader = 17;
  return message.size() >= kHeader && message[1] == 0x82 && message[4] == ber::kOid &&
         message[5] == 9 && message[15] == ber::context_constructed(0) && message[16] == 0x82;
}

}  // namespace

const PreparedCertificate* find_signer_certificate(const SignatureEvidence& signature,
                                                   const CmsSigner& signer) {
  if (signer.by_skid) return nullptr;
  for (const auto& one : signature.certificates())
    if (same_bytes(one->x509().serial, signer.serial) &&
        may_be_same_name(one->x509().issuer, signer.issuer))
      return one.get();
  return nullptr;
}

namespace {

// PKCS7_signatureVerify
OpensslAnswer verify_signer(const SignatureEvidence& signature, std::size_t index,
                            const PreparedCertificate& certificate) {
  const CmsSigner& signer = signature.cms().signers[index];
  const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo);
  if (algorithm == nullptr) return open("a digest that is not known here");
  const Digest* content = signature.content_digest(algorithm->hash);
  if (content == nullptr) return open("the digest of the content was not computed");
  SignatureValue value{KeyKind::rsa, algorithm->hash, *content, signer.signature};
  if (signer.authattrs) {
    if (!signer.message_digest) return no("the signed attributes have no messageDigest");
    if (!std::ranges::equal(signer.message_digest->bytes(), content->bytes()))
      return no("the signed digest is not that of the content");
    const Digest* attributes = signature.attributes_digest(index);
    if (attributes == nullptr) return open("the digest of the attributes was not computed");
    value.digest = *attributes;
  }
  return verify_value(certificate, value, "the signature");
}

}  // namespace

OpensslAnswer ask_openssl(const SignatureEvidence& signature, const PreparedCertificate& trusted) {
  const CmsMessage& cms = signature.cms();
  if (!is_recognised(signature.bytes())) return no("the message is not one that is recognised");
  const MessageOutline outline = outline_of(signature.bytes());
  if (cms.fault || !outline.is_read || !is_der(cms.raw))
    return open("a message that is not DER, or not read to its end");
  if (cms.signers.empty()) return no("nobody signed");
  // Every signer's certificate is in the message, and its chain ends in the trusted one.
  OpensslAnswer answer = yes();
  const auto weigh = [&answer](OpensslAnswer one) {
    // What is refused somewhere is refused, whatever is not known elsewhere.
    if (answer.accepts == Truth::no || one.accepts == Truth::yes) return;
    if (one.accepts == Truth::no || answer.accepts == Truth::yes) answer = std::move(one);
  };
  for (std::size_t i = 0; i < cms.signers.size(); ++i) {
    const CmsSigner& signer = cms.signers[i];
    if (std::ranges::find(outline.digests, signer.digest_algo) == outline.digests.end())
      weigh(signer.digest_algo == Oid::unknown
                ? open("a digest that is not known here")
                : no("the message does not list the digest that its signer used"));
    const PreparedCertificate* certificate = find_signer_certificate(signature, signer);
    if (certificate == nullptr) return no("the signer's certificate is not in the message");
    if (!same_bytes(certificate->x509().issuer, signer.issuer))
      weigh(open("a name that is written in two ways"));
    weigh(ChainWalk(signature, trusted).verify(*certificate));
    if (answer.accepts == Truth::no) return answer;
    weigh(verify_signer(signature, i, *certificate));
  }
  return answer;
}

}  // namespace assay
