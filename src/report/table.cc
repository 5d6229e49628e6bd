#include "report/table.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "base/name.h"

namespace assay {

namespace {

std::string_view color_of(Standing standing) {
  switch (standing) {
    case Standing::verified: return "\x1b[32m";
    case Standing::bad:
    case Standing::malformed: return "\x1b[31m";
    case Standing::unchecked: return "\x1b[2m";
    default: return "\x1b[33m";
  }
}

std::string colored(std::string_view text, std::string_view color, const TextStyle& style) {
  return style.color ? fmt::format("{}{}\x1b[0m", color, text) : std::string(text);
}

std::string padded_standing(Standing standing, const TextStyle& style) {
  return colored(fmt::format("{:<12}", standing_name(standing)), color_of(standing), style);
}

std::string place(const ReasonReport& reason) {
  if (reason.where.size == 0 && reason.where.offset == 0) return {};
  return fmt::format(" at offset {}", reason.where.offset);
}

std::string trust_text(const TrustReport& trust) {
  if (trust.image.empty()) return fmt::format("trusted: \"{}\"", trust.name);
  return fmt::format("key in {} (itself {})", trust.image, standing_name(trust.image_standing));
}

std::string signer_text(const ArtifactReport& report) {
  std::string text;
  for (const SignatureReport& signature : report.signatures) {
    if (!text.empty()) text += ", ";
    text += fmt::format("\"{}\"", signature.signer);
  }
  return text;
}

}  // namespace

std::string to_text(const ArtifactReport& report, const TextStyle& style) {
  if (report.standing == Standing::verified && !style.verbose) return {};
  std::string text = fmt::format("{} {}", padded_standing(report.standing, style), report.path);
  if (report.reason) {
    text += fmt::format("\n             {}{}: {}", report.reason->id, place(*report.reason),
                        report.reason->text);
    if (report.reason->err != Errno::none)
      text += fmt::format(" -> {}", errno_name(report.reason->err));
  } else if (report.trust) {
    text += fmt::format("  by {}, {}", signer_text(report), trust_text(*report.trust));
  } else if (report.standing == Standing::unchecked) {
    text += fmt::format("  {} {}: signatures of this kind are not checked yet", report.kind,
                        report.format);
  }
  if (!report.note.empty()) text += fmt::format("\n             {}", report.note);
  if (!report.kernel_is_sure) text += fmt::format("\n             rules of {}", report.kernel);
  text += '\n';
  if (style.verbose) text += steps_to_text(report.steps);
  return text;
}

void VerifiedGroups::add(const ArtifactReport& report) {
  if (report.standing != Standing::verified) return;
  std::string group = fmt::format("{}s signed by {}", report.kind, signer_text(report));
  if (!report.release.empty()) group += fmt::format(", release {}", encode_name(report.release));
  if (report.trust) group += ", " + trust_text(*report.trust);
  if (!report.kernel_is_sure) group += ", rules of " + report.kernel;
  ++groups_[group];
}

std::string VerifiedGroups::to_text(const Summary& summary, const TextStyle& style) const {
  std::string text;
  for (const auto& [group, count] : groups_)
    text += fmt::format("{} {} {}\n", padded_standing(Standing::verified, style), count, group);
  text += fmt::format("{} artifacts:", summary.artifacts);
  for (const Standing standing :
       {Standing::verified, Standing::unsigned_, Standing::untrusted, Standing::bad,
        Standing::malformed, Standing::undetermined, Standing::unchecked}) {
    if (const std::uint64_t count = summary.count(standing); count != 0)
      text += fmt::format(" {} {},", count, standing_name(standing));
  }
  if (summary.images_unverified != 0)
    text += fmt::format(" {} images not verified,", summary.images_unverified);
  text += fmt::format(" {} other files skipped\n", summary.skipped);
  return text;
}

namespace {

std::string signer_lines(const CmsSigner& signer, const SignatureEvidence& evidence) {
  std::string text;
  if (signer.by_skid)
    text += fmt::format("    signer       key identifier {}\n", to_hex(signer.sid));
  else
    text += fmt::format("    signer       issuer {}, serial {}\n", name_text(signer.issuer),
                        to_hex(signer.serial.bytes()));
  text += fmt::format("    algorithms   {} over {}, {} bytes\n", oid_text(signer.pkey_algo_oid),
                      oid_text(signer.digest_algo_oid), signer.signature.size());
  if (const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo))
    if (const Digest* digest = evidence.content_digest(algorithm->hash))
      text += fmt::format("    digest       {}\n", digest->hex());
  if (signer.authattrs)
    text += fmt::format("    attributes   {} bytes signed\n", signer.authattrs->content.size());
  if (signer.signing_time)
    text += fmt::format("    signed at    {}\n", encode_name(signer.signing_time->content.text()));
  return text;
}

std::string appended_lines(const AppendedEvidence& appended) {
  const SignatureTrailer& trailer = appended.trailer;
  if (!trailer.block) return "  appended signature: marker without an information block\n";
  const InfoBlock& block = *trailer.block;
  std::string text =
      fmt::format("  appended signature: id_type {}, sig_len {}\n", block.id_type, block.sig_len);
  if (trailer.splits)
    text +=
        fmt::format("    layout       payload [0, {}), signature [{}, {}), block {}, marker {}\n",
                    trailer.payload_size, trailer.payload_size, trailer.before_block,
                    kInfoBlockSize, kSignatureMarker.size());
  if (!appended.signature) return text;
  const CmsMessage& cms = appended.signature->cms();
  if (cms.fault)
    text += fmt::format("    stops        at offset {}: {}\n", cms.fault->where.offset,
                        describe(*cms.fault));
  if (cms.content)
    text += fmt::format(
        "    content      {} bytes are carried inside: the file itself is not what is signed\n",
        cms.content->content.size());
  if (!cms.trailing.empty())
    text += fmt::format("    trailing     {} bytes after the message\n", cms.trailing.size());
  for (const CmsSigner& signer : cms.signers) text += signer_lines(signer, *appended.signature);
  for (const auto& certificate : appended.signature->certificates())
    text +=
        fmt::format("    certificate  {}, issued by {}\n", name_text(certificate->x509().subject),
                    name_text(certificate->x509().issuer));
  return text;
}

}  // namespace

std::string to_text(const Examined& artifact, const TextStyle&) {
  std::string text = fmt::format("{}\n", artifact.name);
  text +=
      fmt::format("  {} {}, {} bytes\n", kind_name(artifact.kind), artifact.format, artifact.size);
  if (artifact.error) return text + fmt::format("  {}\n", describe(*artifact.error));
  if (artifact.module && !artifact.module->vermagic.empty())
    text += fmt::format("  built for {}\n", encode_name(artifact.module->vermagic));
  if (artifact.image) {
    const KernelImage& image = *artifact.image;
    if (!image.banner.empty()) text += fmt::format("  kernel {}\n", encode_name(image.banner));
    text += fmt::format("  payload [{}, {}), {}\n", image.payload.offset, image.payload.end(),
                        image.payload_codec ? codec_name(*image.payload_codec) : "not compressed");
  }
  if (artifact.appended && artifact.appended->trailer.has_marker)
    text += appended_lines(*artifact.appended);
  else if (artifact.kind == ArtifactKind::module)
    text += "  no signature\n";
  return text;
}

std::string steps_to_text(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    text += fmt::format("  {:<32} {:<7} {}", step.rule->id, finding_name(step.finding),
                        step.rule->holds);
    if (!step.because.empty()) text += fmt::format("  [{}]", step.because);
    if (step.err != Errno::none) text += fmt::format("  -> {}", errno_name(step.err));
    text += '\n';
  }
  return text;
}

std::string to_text(const JudgedArtifact& judged, const Verdict& verdict, const TextStyle& style) {
  const bool good = verdict.decision == Decision::allowed;
  std::string text = fmt::format(
      "{}  {} {}", colored(decision_name(verdict.decision), good ? "\x1b[32m" : "\x1b[33m", style),
      judged.request, judged.path);
  if (verdict.err != Errno::none) text += fmt::format(": {}", errno_name(verdict.err));
  if (verdict.deciding != nullptr) text += fmt::format(" by {}", verdict.deciding->id);
  if (!verdict.open.empty())
    text += fmt::format(": the platform leaves open {}", fmt::join(verdict.open, ", "));
  text += fmt::format("  [{}{}{}]\n", judged.platform, judged.rules.empty() ? "" : ", rules of ",
                      judged.rules);
  return text + steps_to_text(verdict.steps);
}

}  // namespace assay
