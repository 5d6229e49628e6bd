#include "trust/add_key.h"

#include "trust/rules.h"

namespace assay {

namespace {

namespace rule = rules::keyring;

// restrict_link_by_digsig.
Outcome check_usage(Walk& walk, const Certificate& x509) {
  if (const Outcome bad = walk.check(rule::digital_signature, x509.digital_signature); bad.failed())
    return bad;
  if (const Outcome bad = walk.check(rule::no_ca, !x509.ca); bad.failed()) return bad;
  return walk.check(rule::no_cert_sign, !x509.key_cert_sign);
}

// restrict_link_by_signature.
Outcome check_voucher(Walk& walk, const PreparedCertificate& certificate,
                      const CertificateState& state, const SignatureContext& context,
                      const Keyring& vouchers) {
  if (const Outcome bad = walk.check(rule::signature_supported, !state.unsupported_sig);
      bad.failed())
    return bad;
  const Certificate& x509 = certificate.x509();
  const auto issuer = [&] { return name_text(x509.issuer); };
  // However the search fails, it is ENOKEY here.
  const KeySearch search = x509.auth_id() || x509.auth_skid()
                               ? find_key(walk, vouchers, x509.auth_id(), x509.auth_skid())
                               : find_key_by_subject(walk, vouchers, x509.issuer);
  if (const Outcome bad = walk.check(rule::voucher, search.key != nullptr, {}, issuer);
      bad.failed())
    return bad;
  PrimitiveCache cache;
  return verify_certificate_signature(walk, certificate, state, search.key->state.key_kind,
                                      search.key->certificate->key(), context.crypto, cache);
}

}  // namespace

Outcome check_add_key(Walk& walk, const PreparedCertificate& certificate,
                      const SignatureContext& context, Restriction restriction,
                      const Keyring* vouchers, CertificateState& state) {
  PrimitiveCache cache;
  if (const Outcome bad =
          check_certificate(walk, certificate, context.crypto, context.blocklist, cache, state);
      bad.failed())
    return bad;
  const auto digest = [&] {
    const auto& listed = walk.covers(Scope::since(kAnchor72)) ? certificate.tbs_sha256()
                                                              : certificate.own_tbs_digest();
    return listed ? listed->hex() : std::string("?");
  };
  const auto log = [&] { return fill_log(rule::not_blacklisted, {digest()}); };
  if (const Outcome bad = walk.check(rule::not_blacklisted, !state.blacklisted, {}, digest, log);
      bad.failed())
    return bad;
  if (restriction == Restriction::none) return {};
  if (restriction == Restriction::digsig)
    if (const Outcome bad = check_usage(walk, certificate.x509()); bad.failed()) return bad;
  return check_voucher(walk, certificate, state, context, *vouchers);
}

}  // namespace assay
