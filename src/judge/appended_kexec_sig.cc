#include "judge/appended_kexec_sig.h"

#include <fmt/format.h>

#include "judge/rules.h"

namespace assay {

namespace {

namespace rule = rules::appended_kexec_sig;

constexpr BlockRules kBlockRules{rule::sig_len, rule::id_type, rule::zero_fields};

}  // namespace

Outcome verify_appended_kernel(Walk& walk, const AppendedEvidence& evidence,
                               const Platform& platform, TrustedBy& trusted_by) {
  const SignatureTrailer& trailer = evidence.trailer;
  const auto size = [&] { return fmt::format("{} bytes", trailer.file_size); };
  if (const Outcome bad =
          walk.check(rule::marker, trailer.has_marker, {trailer.file_size, 0}, size);
      bad.failed())
    return bad;
  if (const Outcome bad =
          walk.check(rule::block, trailer.block.has_value(), trailer.marker_extent(), size);
      bad.failed())
    return bad;
  if (const Outcome bad = check_block(walk, trailer, kBlockRules); bad.failed()) return bad;
  if (platform.kernel.arch == Arch::ppc64le)
    return verify_appended_in_platform(walk, evidence, platform, trusted_by);
  return verify_appended(walk, evidence, platform, true, trusted_by);
}

}  // namespace assay
