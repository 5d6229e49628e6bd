#include "judge/module_sig.h"

#include <fmt/format.h>

#include "judge/rules.h"
#include "trust/module_keyrings.h"

namespace assay {

namespace {

namespace rule = rules::module_sig;

constexpr BlockRules kBlockRules{rule::sig_len, rule::id_type, rule::zero_fields};

Outcome check_file_hash(Walk& walk, const AppendedEvidence& evidence, const Platform& platform) {
  if (!platform.signatures.blocklist.has_any(kBlockedBinary) || !walk.applies(rule::file_hash))
    return {};
  const Digest* digest = evidence.file_digest(Hash::sha256);
  if (digest == nullptr)
    return walk.check(rule::file_hash, Truth::unknown, "artifact: SHA-256 of the whole file",
                      [] { return std::string(); });
  const bool listed = platform.signatures.blocklist.lists(kBlockedBinary, *digest);
  if (!listed) return walk.check(rule::file_hash, true);
  return walk.refuse(rule::file_hash, {}, digest->hex(),
                     fill_log(rule::file_hash, {digest->hex()}));
}

}  // namespace

std::string_view forgiven_reason(Errno err) {
  switch (err) {
    case Errno::enodata: return "unsigned module";
    case Errno::enopkg: return "module with unsupported crypto";
    case Errno::enokey: return "module with unavailable key";
    default: return {};
  }
}

Outcome check_appended(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
                       const Platform& platform, TrustedBy& trusted_by) {
  const SignatureTrailer& trailer = evidence.trailer;
  const bool mangled = request.ignore_modversions || request.ignore_vermagic;
  if (const Outcome bad = walk.check(rule::not_mangled, !mangled); bad.failed()) return bad;
  const bool marked = trailer.has_marker && trailer.file_size > kSignatureMarker.size();
  const Extent tail = marked ? trailer.marker_extent() : Extent{trailer.file_size, 0};
  if (const Outcome bad = walk.check(rule::marker, marked, tail,
                                     [&] { return fmt::format("{} bytes", trailer.file_size); });
      bad.failed())
    return bad;
  const std::uint64_t before_marker = trailer.file_size - kSignatureMarker.size();
  const auto before = [&] { return fmt::format("{} bytes precede the marker", before_marker); };
  if (const Outcome bad =
          walk.check(rule::block, before_marker > kInfoBlockSize, trailer.marker_extent(), before);
      bad.failed())
    return bad;
  if (const Outcome bad = check_block(walk, trailer, kBlockRules); bad.failed()) return bad;
  const bool then_platform = walk.covers(kModulesSearchPlatform);
  if (const Outcome bad = verify_appended(walk, evidence, platform, then_platform, trusted_by);
      bad.failed())
    return bad;
  return check_file_hash(walk, evidence, platform);
}

Ending ask_lockdown(Walk& walk, const Rule& rule, const Platform& platform, std::string_view reason,
                    const Outcome& cause) {
  if (const Outcome refused =
          walk.check(rule, !platform.locked_down(Lockdown::integrity), "state.lockdown",
                     [&] { return fmt::format("{}, lockdown", reason); });
      refused.failed())
    return {Decision::refused, walk.because_of(refused, cause)};
  return {Decision::allowed_tainted, {Errno::none, cause.step}};
}

Ending forgive(Walk& walk, const Outcome& outcome, const Platform& platform,
               const ForgivenessRules& rules) {
  const std::string_view reason = forgiven_reason(outcome.err);
  if (reason.empty()) return {Decision::refused, outcome};  // fatal, signatures required or not
  if (const Outcome refused = walk.check(
          rules.not_enforced, !platform.sig_enforce(), "state.sig_enforce",
          [&] { return fmt::format("{}, sig_enforce", reason); },
          fill_log(rules.not_enforced, {std::string(reason)}));
      refused.failed())
    return {Decision::refused, walk.because_of(refused, outcome)};
  return ask_lockdown(walk, rules.lockdown, platform, reason, outcome);
}

Ending module_sig_check(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
                        const Platform& platform) {
  if (!walk.settle(platform.config.is_on("CONFIG_MODULE_SIG"), "config: CONFIG_MODULE_SIG"))
    return {Decision::allowed, {}};
  TrustedBy trusted_by;
  const Outcome outcome = check_appended(walk, evidence, request, platform, trusted_by);
  if (!outcome.failed()) return {Decision::allowed, {}};
  return forgive(walk, outcome, platform, {rule::not_enforced, rule::lockdown});
}

}  // namespace assay
