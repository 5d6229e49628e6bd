#include "trust/verify_pkcs7.h"

#include "signatures/rules.h"

namespace assay {

namespace {

namespace rule = rules::pkcs7;

Outcome check_revocation(Walk& walk, Pkcs7& pkcs7, const SignatureKeyrings& keyrings) {
  // 6.1 asks only where the platform keyring is searched, and after it was found to exist.
  if (keyrings.revoked == nullptr) return {};
  const bool asked_in_61 = keyrings.is_platform && keyrings.ring != nullptr;
  if (!asked_in_61 && !walk.covers(Scope::since(kAnchor612))) return {};
  // Only a message that the revoked certificates vouch for is revoked: any error means it is not,
  // and leaves no trace. The search is therefore walked apart.
  Walk apart(walk.kernel(), walk.choices(), false);
  TrustedBy by;
  const Outcome outcome = validate_trust(apart, pkcs7, *keyrings.revoked, by);
  for (const Choice& choice : apart.choices()) walk.settle(Truth::unknown, choice.key);
  return walk.check(rule::revoked, outcome.failed(), pkcs7.evidence().cms().raw.extent(), [&] {
    return by.key == nullptr ? std::string("none")
                             : short_name(by.key->certificate->x509().subject);
  });
}

Outcome verify(Walk& walk, Pkcs7& pkcs7, const SignatureKeyrings& keyrings, Usage usage,
               TrustedBy& trusted_by) {
  if (const Outcome bad = pkcs7.verify(walk, usage); bad.failed()) return bad;
  if (const Outcome bad = check_revocation(walk, pkcs7, keyrings); bad.failed()) return bad;
  if (const Outcome bad = walk.check(rule::keyring_present, keyrings.ring != nullptr); bad.failed())
    return bad;
  const Outcome outcome = validate_trust(walk, pkcs7, *keyrings.ring, trusted_by);
  if (outcome.err != Errno::enokey || keyrings.others == Truth::no) return outcome;
  return walk.settle(keyrings.others, keyrings.question) ? Outcome() : outcome;
}

}  // namespace

Outcome verify_pkcs7_signature(Walk& walk, const SignatureEvidence& evidence,
                               const SignatureContext& context, const SignatureKeyrings& keyrings,
                               Usage usage, TrustedBy& trusted_by) {
  Pkcs7 pkcs7(evidence, context);
  if (const Outcome bad = pkcs7.parse(walk); bad.failed()) return bad;
  const auto& content = evidence.cms().content;
  if (const Outcome bad =
          walk.check(rule::detached, !content, content ? content->raw.extent() : Extent());
      bad.failed())
    return bad;
  return verify(walk, pkcs7, keyrings, usage, trusted_by);
}

Outcome verify_pkcs7_attached(Walk& walk, const SignatureEvidence& evidence,
                              const SignatureContext& context, const SignatureKeyrings& keyrings,
                              Usage usage, TrustedBy& trusted_by) {
  Pkcs7 pkcs7(evidence, context);
  if (const Outcome bad = pkcs7.parse(walk); bad.failed()) return bad;
  return verify(walk, pkcs7, keyrings, usage, trusted_by);
}

}  // namespace assay
