#include "trust/validate_trust.h"

#include <fmt/format.h>

#include <algorithm>

#include "signatures/rules.h"

namespace assay {

namespace {

namespace rule = rules::pkcs7;

// pkcs7_validate_trust_one: one signer, and the chain of embedded certificates above it.
class SignerTrust {
 public:
  SignerTrust(Walk& walk, Pkcs7& pkcs7, Pkcs7Signer& signer, const Keyring& ring)
      : walk_(walk), pkcs7_(pkcs7), signer_(signer), ring_(ring) {}

  Outcome validate() {
    if (signer_.unsupported_crypto)
      return walk_.check(rule::some_signer, false, signer_.cms->raw.extent());
    int last = -1;
    for (int current = signer_.certificate; current >= 0; current = certificate(current).signer) {
      Pkcs7Certificate& embedded = certificate(current);
      if (embedded.seen)
        return embedded.verified ? verified(current) : unknown("a certificate seen before");
      embedded.seen = true;
      const Certificate& x509 = embedded.prepared->x509();
      const KeySearch search = find_key(walk_, ring_, x509.id(), x509.skid_id());
      if (search.key != nullptr) return matched(search.key, current, last);
      if (embedded.signer == current)
        return unknown("the embedded chain ends in an unknown self-signed certificate");
      last = current;
    }
    if (last >= 0) {
      const Certificate& top = certificate(last).prepared->x509();
      if (top.auth_id() || top.auth_skid()) {
        const KeySearch search = find_key(walk_, ring_, top.auth_id(), top.auth_skid());
        if (search.key != nullptr) return matched(search.key, last, last);
        if (search.missing.err != Errno::enokey) return search.missing;
      }
    }
    // A key that made the signature itself.
    const KeySearch search = find_key(walk_, ring_, signer_.cms->sid, std::nullopt);
    if (search.key != nullptr) return matched(search.key, -1, -1);
    if (search.missing.err != Errno::enokey) return search.missing;
    return unknown({});
  }

  const Key* key() const { return key_; }

 private:
  Pkcs7Certificate& certificate(int index) {
    return pkcs7_.certificates()[static_cast<std::size_t>(index)];
  }

  Outcome unknown(std::string_view why) {
    const auto because = [&] {
      std::string text = fmt::format("signer {}, not among the keys of {}{}", signer_name(),
                                     searched_before(), ring_.name());
      if (!why.empty()) text += fmt::format(": {}", why);
      return text;
    };
    return walk_.check(rule::trusted_key, false, signer_.cms->raw.extent(), because);
  }

  // The ring that was searched for the same signer before this one.
  std::string_view searched_before() const {
    constexpr std::string_view kFirst = ".secondary_trusted_keys";
    const bool is_second = std::ranges::any_of(walk_.steps(), [&](const Step& step) {
      return step.rule == &rule::trusted_key && step.finding == Finding::fails &&
             step.where == signer_.cms->raw.extent() && step.because.contains(kFirst);
    });
    return is_second && ring_.name() != kFirst ? ".secondary_trusted_keys or " : "";
  }

  std::string signer_name() const {
    const CmsSigner& cms = *signer_.cms;
    if (cms.by_skid) return "with key identifier " + to_hex(cms.sid);
    const std::string serial = to_hex(KeyId{cms.serial, {}});
    if (signer_.certificate >= 0) {
      const View subject = pkcs7_.certificates()[static_cast<std::size_t>(signer_.certificate)]
                               .prepared->x509()
                               .subject;
      return fmt::format("\"{}\", issued by \"{}\" (serial {})", short_name(subject),
                         short_name(cms.issuer), serial);
    }
    return fmt::format("with a key issued by \"{}\" (serial {})", short_name(cms.issuer), serial);
  }

  // The trusted key must also verify: the signature of the embedded certificate below the one
  // found, or where the found one is the signer itself, the signature on the data.
  Outcome matched(const Key* key, int found, int below) {
    key_ = key;
    const auto& context = pkcs7_.context();
    PrimitiveCache& cache = pkcs7_.evidence().cache();
    Outcome bad;
    if (below < 0) {
      bad = verify_public_key(walk_, key->state.key_kind, key->certificate->key(),
                              signer_.signature, context.crypto, cache);
    } else {
      const Pkcs7Certificate& embedded = certificate(below);
      bad = verify_certificate_signature(walk_, *embedded.prepared, embedded.state,
                                         key->state.key_kind, key->certificate->key(),
                                         context.crypto, cache);
    }
    // Whatever else went wrong is EKEYREJECTED here.
    if (bad.err == Errno::enomem) return bad;
    const auto why = [&] {
      return fmt::format("\"{}\"", short_name(key->certificate->x509().subject));
    };
    if (const Outcome rejected = walk_.check(rule::trusted_signature, !bad.failed(),
                                             signer_.cms->signature.extent(), why);
        rejected.failed())
      return walk_.because_of(rejected, bad);
    return verified(found);
  }

  Outcome verified(int found) {
    if (found >= 0) {
      certificate(found).verified = true;
      for (int i = signer_.certificate; i != found; i = certificate(i).signer)
        certificate(i).verified = true;
    }
    return walk_.check(rule::trusted_key, true, signer_.cms->raw.extent(), [&] {
      return key_ == nullptr
                 ? std::string()
                 : fmt::format("\"{}\" in {}", short_name(key_->certificate->x509().subject),
                               ring_.name());
    });
  }

  Walk& walk_;
  Pkcs7& pkcs7_;
  Pkcs7Signer& signer_;
  const Keyring& ring_;
  const Key* key_ = nullptr;
};

}  // namespace

Outcome validate_trust(Walk& walk, Pkcs7& pkcs7, const Keyring& ring, TrustedBy& trusted_by) {
  for (Pkcs7Certificate& certificate : pkcs7.certificates()) certificate.seen = false;
  Outcome unknown;
  Outcome unsupported;
  bool good = false;
  for (Pkcs7Signer& signer : pkcs7.signers()) {
    SignerTrust trust(walk, pkcs7, signer, ring);
    const Outcome outcome = trust.validate();
    switch (outcome.err) {
      case Errno::none:
        good = true;
        if (trusted_by.key == nullptr) trusted_by = {trust.key(), &ring};
        break;
      case Errno::enokey: unknown = outcome; break;
      case Errno::enopkg: unsupported = outcome; break;
      default: return outcome;
    }
  }
  if (good) return {};
  return unsupported.failed() ? unsupported : unknown;
}

}  // namespace assay
