#include "judge/appended.h"

#include <fmt/format.h>

#include "judge/two_keyrings.h"

namespace assay {

namespace {

// What the trailer says follows the payload.
Result<void> collect_appendix(const Content& content, AppendedEvidence& evidence) {
  const SignatureTrailer& trailer = evidence.trailer;
  ASSAY_TRY(evidence.proof, follow_module_proof(content, trailer));
  if (trailer.block->id_type != kIdTypePkcs7) return {};
  // A longer message is EMSGSIZE to the kernel before it looks at a single byte; one byte too many
  // is enough to show that.
  const Extent where = trailer.signature_extent();
  const std::uint64_t size = std::min<std::uint64_t>(where.size, ber::kMaxSize + 1);
  std::vector<std::uint8_t> message(size);
  ASSAY_CHECK(content.read(where.offset, message));
  evidence.signature.emplace(std::move(message), where.offset);
  ASSAY_TRY(evidence.file_digests,
            evidence.signature->digest_appended(content, trailer.payload_size));
  return {};
}

}  // namespace

Result<AppendedEvidence> collect_appended(const Content& content, const EvidenceOptions& options) {
  AppendedEvidence evidence;
  ASSAY_TRY(evidence.trailer, read_signature_trailer(content));
  ASSAY_TRY(evidence.last_block, read_info_block(content, content.size()));
  if (evidence.trailer.splits) ASSAY_CHECK(collect_appendix(content, evidence));
  if (options.file_sha256 && evidence.file_digest(Hash::sha256) == nullptr) {
    ASSAY_TRY(const Digest digest, compute_digest(Hash::sha256, content, 0, content.size()));
    evidence.file_digests.push_back(digest);
  }
  return evidence;
}

Outcome check_sig_len(Walk& walk, const Rule& rule, const InfoBlock& block, std::uint64_t before,
                      Extent where) {
  return walk.check(rule, block.sig_len < before, where, [&] {
    return fmt::format("sig_len {}, {} bytes precede the block", block.sig_len, before);
  });
}

Outcome check_zero_fields(Walk& walk, const Rule& rule, const InfoBlock& block, Extent where) {
  return walk.check(rule, block.has_only_zeros(), where, [&] {
    return fmt::format("algo {}, hash {}, signer_len {}, key_id_len {}, pad {}", block.algo,
                       block.hash, block.signer_len, block.key_id_len,
                       block.pad_is_zero ? "zero" : "not zero");
  });
}

Outcome check_block(Walk& walk, const SignatureTrailer& trailer, const BlockRules& rules) {
  const InfoBlock& block = *trailer.block;
  const Extent where = trailer.block_extent();
  if (const Outcome bad = check_sig_len(walk, rules.sig_len, block, trailer.before_block, where);
      bad.failed())
    return bad;
  const auto type = [&] {
    return fmt::format("id_type {}, expected {}", block.id_type, kIdTypePkcs7);
  };
  if (const Outcome bad = walk.check(rules.id_type, block.id_type == kIdTypePkcs7, where, type);
      bad.failed())
    return bad;
  return check_zero_fields(walk, rules.zero_fields, block, where);
}

Outcome verify_appended(Walk& walk, const AppendedEvidence& evidence, const Platform& platform,
                        bool then_platform, TrustedBy& trusted_by) {
  return verify_in_keyrings(walk, platform, then_platform, [&](const SignatureKeyrings& keyrings) {
    return verify_pkcs7_signature(walk, *evidence.signature, platform.signatures, keyrings,
                                  Usage::module, trusted_by);
  });
}

Outcome verify_appended_in_platform(Walk& walk, const AppendedEvidence& evidence,
                                    const Platform& platform, TrustedBy& trusted_by) {
  return verify_in_keyring(platform, true, [&](const SignatureKeyrings& keyrings) {
    return verify_pkcs7_signature(walk, *evidence.signature, platform.signatures, keyrings,
                                  Usage::module, trusted_by);
  });
}

}  // namespace assay
