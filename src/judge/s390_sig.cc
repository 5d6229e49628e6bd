#include "judge/s390_sig.h"

#include <fmt/format.h>

#include "judge/appended_kexec_sig.h"
#include "judge/rules.h"

namespace assay {

namespace {

namespace rule = rules::s390_sig;

constexpr BlockRules kBlockRules{rule::sig_len, rule::id_type, rule::zero_fields};

}  // namespace

Outcome s390_verify_sig(Walk& walk, const AppendedEvidence& evidence, const Platform& platform,
                        TrustedBy& trusted_by) {
  if (!walk.settle(platform.ipl_secure(), "state.ipl_secure")) return {};
  if (platform.kernel.variant == Variant::appended_kexec_sig)
    return verify_appended_kernel(walk, evidence, platform, trusted_by);
  const SignatureTrailer& trailer = evidence.trailer;
  const Extent end{trailer.file_size, 0};
  const auto size = [&] { return fmt::format("{} bytes", trailer.file_size); };
  if (const Outcome bad =
          walk.check(rule::length, trailer.file_size >= kSignatureMarker.size(), end, size);
      bad.failed())
    return bad;
  if (const Outcome bad = walk.check(rule::marker, trailer.has_marker, end, size); bad.failed())
    return bad;
  if (const Outcome bad =
          walk.check(rule::block, trailer.block.has_value(), trailer.marker_extent(), size);
      bad.failed())
    return bad;
  if (const Outcome bad = check_block(walk, trailer, kBlockRules); bad.failed()) return bad;
  return verify_appended(walk, evidence, platform, true, trusted_by);
}

}  // namespace assay
