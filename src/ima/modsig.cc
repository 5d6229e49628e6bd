#include "ima/modsig.h"

#include "ima/rules.h"
#include "trust/verify_pkcs7.h"

namespace assay {

namespace {

namespace rule = rules::ima_sig;

bool is_block_good(const SignatureTrailer& trailer) {
  if (!trailer.block || trailer.before_block == 0) return false;
  const InfoBlock& block = *trailer.block;
  return block.sig_len < trailer.before_block && block.id_type == kIdTypePkcs7 &&
         block.has_only_zeros();
}

Outcome verify_in(Walk& walk, const Modsig& modsig, const SignatureContext& signatures,
                  const SignatureVerifier& verifier, const KnownRing& ring) {
  if (const Outcome bad = walk.check(rule::ring_present, !ring.is_absent); bad.failed()) return bad;
  static const Keyring kUnknown("a keyring that is not described");
  const SignatureKeyrings keyrings{ring.keys != nullptr ? ring.keys : &kUnknown, false,
                                   verifier.rings.revoked};
  TrustedBy trusted_by;
  const Outcome outcome =
      verify_pkcs7_attached(walk, *modsig.message, signatures, keyrings, Usage::module, trusted_by);
  if (ring.keys != nullptr || outcome.err != Errno::enokey) return outcome;
  return walk.settle(Truth::unknown, ring.name) ? Outcome() : outcome;
}

}  // namespace

std::optional<Modsig> read_modsig(Walk& walk, const SignatureContext& signatures,
                                  const ImaEvidence& evidence) {
  if (evidence.trailer == nullptr || evidence.appended == nullptr) return std::nullopt;
  if (!is_block_good(*evidence.trailer)) return std::nullopt;
  // Why it does not parse is nobody's concern here: it is walked apart.
  Walk apart(walk.kernel(), walk.choices(), false);
  Pkcs7 message(*evidence.appended, signatures);
  const bool parses = !message.parse(apart).failed();
  for (const Choice& choice : apart.choices()) walk.settle(Truth::unknown, choice.key);
  if (!parses) return std::nullopt;
  Modsig modsig{evidence.appended, std::nullopt, evidence.appended->cms().content.has_value()};
  if (message.signers().size() == 1) {
    const Digest* digest = evidence.appended->attributes_digest(0);
    if (digest == nullptr) digest = evidence.appended->content_digest(message.signers()[0].hash);
    if (digest != nullptr) modsig.digest = *digest;
  }
  return modsig;
}

Outcome verify_modsig(Walk& walk, const Modsig& modsig, const SignatureContext& signatures,
                      const SignatureVerifier& verifier, ImaHook func) {
  const Outcome outcome = verify_in(walk, modsig, signatures, verifier, verifier.rings.ima);
  const bool then_platform = outcome.failed() && func == ImaHook::kexec_kernel_check &&
                             walk.settle(verifier.config.is_on("CONFIG_INTEGRITY_PLATFORM_KEYRING"),
                                         "config: CONFIG_INTEGRITY_PLATFORM_KEYRING");
  if (!then_platform) return outcome;
  return verify_in(walk, modsig, signatures, verifier, verifier.rings.platform);
}

bool has_modsig_field(const ImaTemplate& tmpl) {
  return tmpl.has_field("modsig") || tmpl.has_field("d-modsig");
}

}  // namespace assay
