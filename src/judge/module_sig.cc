#include "judge/module_sig.h"

#include <fmt/format.h>

#include "judge/rules.h"

namespace assay {

namespace {

namespace rule = rules::module_sig;

// mod_check_sig. `trailer` has a marker.
Outcome check_block(Walk& walk, const SignatureTrailer& trailer) {
  const std::uint64_t before_marker = trailer.file_size - kSignatureMarker.size();
  if (const Outcome bad =
          walk.check(rule::block, before_marker > kInfoBlockSize, trailer.marker_extent(),
                     [&] { return fmt::format("{} bytes precede the marker", before_marker); });
      bad.failed())
    return bad;
  const InfoBlock& block = *trailer.block;
  const Extent where = trailer.block_extent();
  if (const Outcome bad = walk.check(rule::sig_len, block.sig_len < trailer.before_block, where,
                                     [&] {
                                       return fmt::format("sig_len {}, {} bytes precede the block",
                                                          block.sig_len, trailer.before_block);
                                     });
      bad.failed())
    return bad;
  if (const Outcome bad =
          walk.check(rule::id_type, block.id_type == kIdTypePkcs7, where,
                     [&] { return fmt::format("id_type {}, expected 2", block.id_type); });
      bad.failed())
    return bad;
  const bool zero = block.algo == 0 && block.hash == 0 && block.signer_len == 0 &&
                    block.key_id_len == 0 && block.pad_is_zero;
  return walk.check(rule::zero_fields, zero, where, [&] {
    return fmt::format("algo {}, hash {}, signer_len {}, key_id_len {}, pad {}", block.algo,
                       block.hash, block.signer_len, block.key_id_len,
                       block.pad_is_zero ? "zero" : "not zero");
  });
}

// verify_pkcs7_signature in one ring. A ring that the platform does not describe may or may not
// hold a key that made the signature.
Outcome verify_in(Walk& walk, const AppendedEvidence& evidence, const Platform& platform,
                  const std::shared_ptr<const Keyring>& ring, bool is_platform,
                  TrustedBy& trusted_by) {
  static const Keyring kUnknown("a keyring that is not described");
  const SignatureKeyrings keyrings =
      platform.signature_keyrings(ring ? ring.get() : &kUnknown, is_platform);
  const Outcome outcome = verify_pkcs7_signature(walk, *evidence.signature, platform.signatures,
                                                 keyrings, Usage::module, trusted_by);
  const bool complete = ring && (is_platform || platform.secondary_is_complete);
  if (complete || outcome.err != Errno::enokey) return outcome;
  const std::string_view key =
      is_platform ? "keyrings.platform" : "keyrings.secondary_trusted_keys";
  return walk.settle(Truth::unknown, key) ? Outcome() : outcome;
}

// mod_verify_sig after mod_check_sig.
Outcome verify_signature(Walk& walk, const AppendedEvidence& evidence, const Platform& platform,
                         TrustedBy& trusted_by) {
  const Outcome outcome =
      verify_in(walk, evidence, platform, platform.secondary_trusted_keys, false, trusted_by);
  const bool try_platform = outcome.err == Errno::enokey && walk.covers(kModulePlatformKeyring) &&
                            walk.settle(platform.config.is_on("CONFIG_INTEGRITY_PLATFORM_KEYRING"),
                                        "config: CONFIG_INTEGRITY_PLATFORM_KEYRING");
  if (!try_platform) return outcome;
  return verify_in(walk, evidence, platform, platform.platform_keys, true, trusted_by);
}

Outcome check_file_hash(Walk& walk, const AppendedEvidence& evidence, const Platform& platform) {
  if (!platform.signatures.blocklist.has_any(kBlockedBinary) || !walk.applies(rule::file_hash))
    return {};
  if (!evidence.file_sha256)
    return walk.check(rule::file_hash, Truth::unknown, "artifact: SHA-256 of the whole file",
                      [] { return std::string(); });
  const bool listed = platform.signatures.blocklist.lists(kBlockedBinary, *evidence.file_sha256);
  if (!listed) return walk.check(rule::file_hash, true);
  return walk.refuse(rule::file_hash, {}, evidence.file_sha256->hex(),
                     fmt::format("Module hash {} is blacklisted", evidence.file_sha256->hex()));
}

std::string_view reason_of(Errno err) {
  switch (err) {
    case Errno::enodata: return "unsigned module";
    case Errno::enopkg: return "module with unsupported crypto";
    case Errno::enokey: return "module with unavailable key";
    default: return {};
  }
}

}  // namespace

Result<AppendedEvidence> collect_appended(const Content& content, const EvidenceOptions& options) {
  AppendedEvidence evidence;
  ASSAY_TRY(evidence.trailer, read_signature_trailer(content));
  const SignatureTrailer& trailer = evidence.trailer;
  if (options.file_sha256) {
    ASSAY_TRY(evidence.file_sha256, compute_digest(Hash::sha256, content, 0, content.size()));
  }
  if (!trailer.splits || trailer.block->id_type != kIdTypePkcs7) return evidence;
  // A longer message is EMSGSIZE to the kernel before it looks at a single byte; one byte too many
  // is enough to show that.
  const Extent where = trailer.signature_extent();
  const std::uint64_t size = std::min<std::uint64_t>(where.size, ber::kMaxSize + 1);
  std::vector<std::uint8_t> message(size);
  ASSAY_CHECK(content.read(where.offset, message));
  evidence.signature.emplace(std::move(message), where.offset);
  ASSAY_CHECK(evidence.signature->digest_detached(content, 0, trailer.payload_size));
  return evidence;
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
  if (const Outcome bad = check_block(walk, trailer); bad.failed()) return bad;
  if (const Outcome bad = verify_signature(walk, evidence, platform, trusted_by); bad.failed())
    return bad;
  return check_file_hash(walk, evidence, platform);
}

Ending module_sig_check(Walk& walk, const AppendedEvidence& evidence, const ModuleRequest& request,
                        const Platform& platform) {
  if (!walk.settle(platform.config.is_on("CONFIG_MODULE_SIG"), "config: CONFIG_MODULE_SIG"))
    return {Decision::allowed, {}};
  TrustedBy trusted_by;
  const Outcome outcome = check_appended(walk, evidence, request, platform, trusted_by);
  if (!outcome.failed()) return {Decision::allowed, {}};
  const std::string_view reason = reason_of(outcome.err);
  if (reason.empty()) return {Decision::refused, outcome};  // fatal, signatures required or not
  if (const Outcome refused = walk.check(
          rule::not_enforced, !platform.sig_enforce(), "state.sig_enforce",
          [&] { return fmt::format("{}, sig_enforce", reason); },
          fmt::format("Loading of {} is rejected", reason));
      refused.failed())
    return {Decision::refused, refused};
  if (const Outcome refused = walk.check(
          rule::lockdown, !platform.locked_down(Lockdown::integrity), "state.lockdown",
          [&] { return fmt::format("{}, lockdown", reason); },
          "Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7");
      refused.failed())
    return {Decision::refused, refused};
  return {Decision::allowed_tainted, {Errno::none, outcome.step}};
}

}  // namespace assay
