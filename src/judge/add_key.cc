#include "judge/add_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "judge/rules.h"
#include "trust/add_key.h"
#include "trust/verify_pkcs7.h"

namespace assay {

namespace {

namespace rule = rules::add_key;

constexpr std::size_t kMostDigits = 128;  // MAX_HASH_LEN

// KEY_USR_WRITE of each keyring as the kernel allocates it.
Truth is_writable(const TargetRing& target, const Platform& platform) {
  if (target.is_blacklist) return platform.config.is_on("CONFIG_SYSTEM_BLACKLIST_AUTH_UPDATE");
  if (!target.ring) return Truth::yes;
  switch (*target.ring) {
    case Ring::builtin_trusted_keys:
    case Ring::machine:
    case Ring::platform: return Truth::no;
    default: return Truth::yes;
  }
}

bool is_restricted(const TargetRing& target) {
  return target.ring && *target.ring != Ring::fs_verity;
}

// Who may have issued a certificate that is added (security/integrity/digsig.c, ima_mok.c).
const Keyring* vouchers(Ring ring, Walk& walk, const Platform& platform) {
  const bool by_secondary =
      ring == Ring::secondary_trusted_keys ||
      (ring != Ring::ima_blacklist &&
       walk.settle(
           platform.config.is_on("CONFIG_IMA_KEYRINGS_PERMIT_SIGNED_BY_BUILTIN_OR_SECONDARY"),
           "config: CONFIG_IMA_KEYRINGS_PERMIT_SIGNED_BY_BUILTIN_OR_SECONDARY"));
  static const Keyring kUnknown("a keyring that is not described");
  const auto& found =
      platform.ring(by_secondary ? Ring::secondary_trusted_keys : Ring::builtin_trusted_keys);
  return found ? found.get() : &kUnknown;
}

Restriction restriction_of(const TargetRing& target) {
  if (!is_restricted(target)) return Restriction::none;
  return *target.ring == Ring::ima || *target.ring == Ring::evm ? Restriction::digsig
                                                                : Restriction::signed_;
}

Outcome add_certificate(Walk& walk, const AddKeyRequest& request, const Platform& platform,
                        CertificateState& state) {
  const Restriction restriction =
      request.target.is_blacklist ? Restriction::none : restriction_of(request.target);
  const Keyring* may_vouch =
      restriction == Restriction::none ? nullptr : vouchers(*request.target.ring, walk, platform);
  if (const Outcome bad = check_add_key(walk, *request.certificate, platform.signatures,
                                        restriction, may_vouch, state);
      bad.failed())
    return bad;
  return walk.check(rule::blacklist_only, !request.target.is_blacklist);
}

// blacklist_vet_description.
Outcome check_description(Walk& walk, const std::string& description) {
  const std::string_view text = description;
  const bool has_prefix = text.starts_with(kBlockedTbs) || text.starts_with(kBlockedBinary);
  const std::string_view digits = has_prefix ? text.substr(kBlockedTbs.size()) : "";
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  // Digits beyond the most that it takes are not looked at.
  const std::string_view seen = digits.substr(0, kMostDigits);
  const auto quoted = [&] { return fmt::format("\"{}\"", description); };
  if (const Outcome bad = walk.check(rule::hash_form,
                                     has_prefix && std::ranges::all_of(seen, is_digit), {}, quoted);
      bad.failed())
    return bad;
  if (const Outcome bad = walk.check(rule::hash_size, digits.size() <= kMostDigits, {},
                                     [&] { return fmt::format("{} digits", digits.size()); });
      bad.failed())
    return bad;
  return walk.check(rule::hash_form, !digits.empty() && digits.size() % 2 == 0, {}, quoted);
}

Outcome add_hash(Walk& walk, const AddKeyRequest& request, const Platform& platform) {
  if (!request.target.is_blacklist && is_restricted(request.target))
    if (const Outcome bad =
            walk.check(rule::asymmetric_only, false, {}, [&] { return request.type; });
        bad.failed())
      return bad;
  const auto& entries = platform.signatures.blocklist.entries();
  if (const Outcome bad = walk.check(rule::new_hash, !entries.contains(request.description));
      bad.failed())
    return bad;
  if (const Outcome bad = check_description(walk, request.description); bad.failed()) return bad;
  if (const Outcome bad = walk.check(
          rule::hash_signed, platform.config.is_on("CONFIG_SYSTEM_BLACKLIST_AUTH_UPDATE"),
          "config: CONFIG_SYSTEM_BLACKLIST_AUTH_UPDATE", [] { return std::string(); });
      bad.failed())
    return bad;
  TrustedBy by;
  const SignatureKeyrings keyrings =
      platform.signature_keyrings(platform.ring(Ring::builtin_trusted_keys).get());
  return verify_pkcs7_signature(walk, *request.signature, platform.signatures, keyrings,
                                Usage::unspecified, by);
}

Outcome add(Walk& walk, const AddKeyRequest& request, const Platform& platform,
            CertificateState& state) {
  if (const Outcome bad =
          walk.check(rule::writable, is_writable(request.target, platform),
                     "config: CONFIG_SYSTEM_BLACKLIST_AUTH_UPDATE", [] { return std::string(); });
      bad.failed())
    return bad;
  if (request.type == "asymmetric") return add_certificate(walk, request, platform, state);
  if (request.type == "blacklist") return add_hash(walk, request, platform);
  if (request.target.is_blacklist)
    return walk.check(rule::blacklist_only, false, {}, [&] { return request.type; });
  return walk.check(rule::asymmetric_only, !is_restricted(request.target), {},
                    [&] { return request.type; });
}

}  // namespace

Ending add_key(Walk& walk, const AddKeyRequest& request, const Platform& platform,
               CertificateState& state) {
  const Outcome outcome = add(walk, request, platform, state);
  return {outcome.failed() ? Decision::refused : Decision::allowed, outcome};
}

}  // namespace assay
