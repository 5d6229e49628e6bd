#include "judge/appended.h"

#include <fmt/format.h>

namespace assay {

namespace {

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
  ASSAY_CHECK(evidence.signature->digest_data(content, 0, trailer.payload_size));
  return evidence;
}

Outcome check_block(Walk& walk, const SignatureTrailer& trailer, const BlockRules& rules) {
  const InfoBlock& block = *trailer.block;
  const Extent where = trailer.block_extent();
  const auto lengths = [&] {
    return fmt::format("sig_len {}, {} bytes precede the block", block.sig_len,
                       trailer.before_block);
  };
  if (const Outcome bad =
          walk.check(rules.sig_len, block.sig_len < trailer.before_block, where, lengths);
      bad.failed())
    return bad;
  const auto type = [&] {
    return fmt::format("id_type {}, expected {}", block.id_type, kIdTypePkcs7);
  };
  if (const Outcome bad = walk.check(rules.id_type, block.id_type == kIdTypePkcs7, where, type);
      bad.failed())
    return bad;
  const bool zero = block.algo == 0 && block.hash == 0 && block.signer_len == 0 &&
                    block.key_id_len == 0 && block.pad_is_zero;
  return walk.check(rules.zero_fields, zero, where, [&] {
    return fmt::format("algo {}, hash {}, signer_len {}, key_id_len {}, pad {}", block.algo,
                       block.hash, block.signer_len, block.key_id_len,
                       block.pad_is_zero ? "zero" : "not zero");
  });
}

Outcome verify_in_keyrings(Walk& walk, const AppendedEvidence& evidence, const Platform& platform,
                           bool then_platform, TrustedBy& trusted_by) {
  const Outcome outcome =
      verify_in(walk, evidence, platform, platform.secondary_trusted_keys, false, trusted_by);
  const bool try_platform = outcome.err == Errno::enokey && then_platform &&
                            walk.settle(platform.config.is_on("CONFIG_INTEGRITY_PLATFORM_KEYRING"),
                                        "config: CONFIG_INTEGRITY_PLATFORM_KEYRING");
  if (!try_platform) return outcome;
  return verify_in(walk, evidence, platform, platform.platform_keys, true, trusted_by);
}

}  // namespace assay
