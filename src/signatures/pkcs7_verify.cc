// pkcs7_verify.c: is the message consistent with itself and with the data?

#include <fmt/format.h>

#include "base/hex.h"
#include "signatures/pkcs7.h"
#include "signatures/rules.h"

namespace assay {

namespace {

namespace rule = rules::pkcs7;

}  // namespace

Outcome Pkcs7::check_usage(Walk& walk, Usage usage) {
  const CmsMessage& cms = evidence_.cms();
  const Extent where = cms.raw.extent();
  const bool has_attributes = signers_[0].cms->authattrs.has_value();
  const auto type = [&] { return std::string(oid_text(cms.content_type)); };
  if (usage == Usage::kexec_pe)
    return walk.check(rule::usage_authenticode, cms.content_type == Oid::ms_indirect_data, where,
                      type);
  const auto data_log = [usage] {
    return fill_log(rule::usage_data, {usage == Usage::firmware ? "firmware"
                                       : usage == Usage::module ? "module"
                                                                : "unspecified"});
  };
  if (const Outcome bad =
          walk.check(rule::usage_data, cms.content_type == Oid::data, where, type, data_log);
      bad.failed())
    return bad;
  if (usage == Usage::firmware) return walk.check(rule::usage_attributes, has_attributes, where);
  if (usage != Usage::module) return {};
  // The waiver looks at the first signer only.
  const bool waivable = is_ml_dsa(signers_[0].kind) && walk.covers(Scope::since(kAnchor72)) &&
                        walk.settle(context_.waive_mldsa_attributes,
                                    "config: CONFIG_PKCS7_WAIVE_AUTHATTRS_REJECTION_FOR_MLDSA");
  return walk.check(rule::usage_no_attributes, !has_attributes || waivable, where, [&] {
    return std::string(has_attributes ? "signed attributes present" : "none");
  });
}

Outcome Pkcs7::verify(Walk& walk, Usage usage) {
  if (const Outcome bad = check_usage(walk, usage); bad.failed()) return bad;
  Outcome unsupported;
  bool some_good = false;
  bool some_blacklisted = false;
  for (std::size_t i = 0; i < signers_.size(); ++i) {
    Pkcs7Signer& signer = signers_[i];
    const Outcome outcome = verify_one(walk, signer, i);
    if (signer.blacklisted) {
      some_blacklisted = true;
    } else if (outcome.err == Errno::enopkg) {
      signer.unsupported_crypto = true;
      unsupported = outcome;
    } else if (outcome.failed()) {
      return outcome;
    } else {
      some_good = true;
    }
  }
  if (some_good) return {};
  if (some_blacklisted) return walk.check(rule::blacklisted, false, evidence_.cms().raw.extent());
  if (unsupported.failed()) return unsupported;
  return walk.check(rule::some_signer, false, evidence_.cms().raw.extent());
}

Outcome Pkcs7::digest(Walk& walk, Pkcs7Signer& signer, std::size_t index) {
  const CmsSigner& cms = *signer.cms;
  signer.signature = {signer.kind, signer.hash, std::nullopt, cms.signature};
  if (is_ml_dsa(signer.kind) && !cms.authattrs) {
    signer.signature.hash = std::nullopt;
    return {};
  }
  const auto name = [&] { return std::string(hash_name(signer.hash)); };
  if (const Outcome bad = walk.check(rule::hash_available, context_.crypto.has(signer.hash),
                                     fmt::format("config: {}", hash_name(signer.hash)), name);
      bad.failed())
    return bad;
  const Digest* content = evidence_.content_digest(signer.hash);
  if (!cms.authattrs) {
    if (content != nullptr) signer.signature.digest = *content;
    return {};
  }
  const View attribute = *cms.message_digest;
  const auto sizes = [&] {
    return fmt::format("{} bytes, expected {}", attribute.size(), digest_size(signer.hash));
  };
  const std::string number = std::to_string(index + 1);  // as the kernel counts
  const auto size_log = [&] {
    return fill_log(rule::message_digest_size, {number, std::to_string(attribute.size())});
  };
  if (const Outcome bad =
          walk.check(rule::message_digest_size, attribute.size() == digest_size(signer.hash),
                     attribute.extent(), sizes, size_log);
      bad.failed())
    return bad;
  const auto values = [&] {
    return fmt::format("signed digest {}, content has {}", to_hex(attribute.bytes()),
                       content != nullptr ? content->hex() : "?");
  };
  const Truth same = content == nullptr
                         ? Truth::unknown
                         : truth(std::ranges::equal(content->bytes(), attribute.bytes()));
  if (same == Truth::unknown) {
    if (const Outcome bad =
            walk.check(rule::message_digest, same, fmt::format("libcrypto: {}", name()), values);
        bad.failed())
      return bad;
  } else if (const Outcome bad =
                 walk.check(rule::message_digest, same == Truth::yes, attribute.extent(), values,
                            [&] { return fill_log(rule::message_digest, {number}); });
             bad.failed()) {
    return bad;
  }
  if (const Digest* attributes = evidence_.attributes_digest(index))
    signer.signature.digest = *attributes;
  return {};
}

Outcome Pkcs7::verify_one(Walk& walk, Pkcs7Signer& signer, std::size_t index) {
  if (const Outcome bad = digest(walk, signer, index); bad.failed()) return bad;
  // pkcs7_find_key. A signer named by its key identifier never finds its embedded certificate.
  for (std::size_t i = 0; i < certificates_.size() && signer.certificate < 0; ++i)
    if (same_key_id(certificates_[i].prepared->x509().id(), signer.cms->sid))
      signer.certificate = static_cast<int>(i);
  if (signer.certificate < 0) return {};

  const Pkcs7Certificate& certificate = certificates_[static_cast<std::size_t>(signer.certificate)];
  const Certificate& x509 = certificate.prepared->x509();
  if (signer.cms->signing_time) {
    const auto time = parse_time(*signer.cms->signing_time);
    const bool inside =
        time && *time >= x509.not_before.value_or(0) && *time <= x509.not_after.value_or(0);
    if (const Outcome bad =
            walk.check(rule::signing_time, inside, signer.cms->signing_time->raw.extent(),
                       [&] { return std::string(signer.cms->signing_time->content.text()); });
        bad.failed())
      return bad;
  }
  if (const Outcome bad =
          verify_public_key(walk, certificate.state.key_kind, certificate.prepared->key(),
                            signer.signature, context_.crypto, evidence_.cache());
      bad.failed())
    return bad;
  return verify_chain(walk, signer);
}

int Pkcs7::find_issuer(const Certificate& certificate, bool& by_id) const {
  const auto auth_id = certificate.auth_id();
  const auto auth_skid = certificate.auth_skid();
  by_id = auth_id.has_value();
  for (std::size_t i = 0; i < certificates_.size(); ++i) {
    const Certificate& candidate = certificates_[i].prepared->x509();
    if (auth_id ? same_key_id(candidate.id(), *auth_id)
                : auth_skid && candidate.skid && same_key_id(*candidate.skid_id(), *auth_skid))
      return static_cast<int>(i);
  }
  return -1;
}

// Everything that depends on a blacklisted certificate is blacklisted too.
void Pkcs7::mark_blacklisted(Pkcs7Signer& signer, int certificate) {
  signer.blacklisted = true;
  for (int i = signer.certificate; i != certificate;
       i = certificates_[static_cast<std::size_t>(i)].signer)
    certificates_[static_cast<std::size_t>(i)].state.blacklisted = true;
}

Outcome Pkcs7::verify_chain(Walk& walk, Pkcs7Signer& signer) {
  for (Pkcs7Certificate& certificate : certificates_) certificate.seen = false;
  int current = signer.certificate;
  for (;;) {
    Pkcs7Certificate& certificate = certificates_[static_cast<std::size_t>(current)];
    const Certificate& x509 = certificate.prepared->x509();
    certificate.seen = true;
    if (certificate.state.blacklisted) {
      mark_blacklisted(signer, current);
      return {};
    }
    if (certificate.state.self_signed) {
      certificate.signer = current;
      return {};
    }
    bool by_id = false;
    const int issuer_index = find_issuer(x509, by_id);
    if (issuer_index < 0) return {};
    const Pkcs7Certificate& issuer = certificates_[static_cast<std::size_t>(issuer_index)];
    if (by_id && x509.auth_skid()) {
      const auto skid = issuer.prepared->x509().skid_id();
      const bool same = skid && same_key_id(*skid, *x509.auth_skid());
      const auto wanted = [&] {
        return fmt::format("wanted {}, found {}", to_hex(*x509.auth_skid()),
                           skid ? to_hex(*skid) : "none");
      };
      const auto log = [&] {
        return fill_log(rule::chain_skid,
                        {std::to_string(&signer - signers_.data() + 1), std::to_string(current + 1),
                         std::to_string(issuer_index + 1)});
      };
      if (const Outcome bad = walk.check(rule::chain_skid, same, x509.raw.extent(), wanted, log);
          bad.failed())
        return bad;
    }
    if (issuer.seen) return {};  // a loop is no error
    if (const Outcome bad = verify_certificate_signature(
            walk, *certificate.prepared, certificate.state, issuer.state.key_kind,
            issuer.prepared->key(), context_.crypto, evidence_.cache());
        bad.failed())
      return bad;
    certificate.signer = issuer_index;
    current = issuer_index;
  }
}

}  // namespace assay
