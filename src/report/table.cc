#include "report/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "base/hex.h"
#include "base/name.h"
#include "judge/release_note.h"
#include "report/ima_record_report.h"
#include "report/open_questions.h"
#include "survey/verify_pe.h"

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

std::string label_of(Standing standing, const TextStyle& style) {
  return colored(fmt::format("{:<12}", standing_name(standing)), color_of(standing), style);
}

std::string label_of(Decision decision, const TextStyle& style) {
  const std::string_view color = decision == Decision::allowed   ? "\x1b[32m"
                                 : decision == Decision::refused ? "\x1b[31m"
                                                                 : "\x1b[33m";
  return colored(fmt::format("{:<12}", decision_name(decision)), color, style);
}

// "pkcs7/trusted-signature at offset 77313: EKEYREJECTED"
std::string rule_text(const ReasonReport& reason) {
  std::string text = reason.id;
  if (reason.where.size != 0 || reason.where.offset != 0)
    text += fmt::format(" at offset {}", reason.where.offset);
  if (reason.err != Errno::none) text += fmt::format(": {}", errno_name(reason.err));
  return text;
}

std::string reason_line(const ReasonReport& reason) {
  return fmt::format("             {} [{}]\n", reason.text, rule_text(reason));
}

std::string trust_text(const TrustReport& trust) {
  if (trust.image.empty()) return fmt::format("trusted: \"{}\"", trust.name);
  return fmt::format("key in {} (itself {})", trust.image, standing_name(trust.image_standing));
}

// Who signed, each once; of many the first few.
std::string signer_text(const ArtifactReport& report) {
  constexpr std::size_t kNamed = 3;
  std::vector<std::string_view> names;
  for (const SignatureReport& signature : report.signatures) {
    if (std::ranges::find(names, signature.signer) != names.end()) continue;
    if (names.size() == kNamed) {
      return fmt::format("\"{}\" and others, {} signers", fmt::join(names, "\", \""),
                         report.signatures.size());
    }
    names.push_back(signature.signer);
  }
  return fmt::format("\"{}\"", fmt::join(names, "\", \""));
}

std::string noun_of(const std::string& kind) {
  if (kind == "kernel-image") return "kernel image";
  if (kind == "pe") return "PE file";
  return kind == "module" ? kind : "file";
}

std::string unchecked_text(const ArtifactReport& report) {
  return fmt::format("{} {}: signatures of this kind are not checked yet", report.kind,
                     report.format);
}

// What of a PE image is odd: bytes that verifiers do not hash alike, or that nothing covers.
std::string pe_lines(const PeReport& pe) {
  std::string text;
  for (const std::string& difference : pe.differences)
    text += fmt::format("             {}\n", difference);
  for (const Extent extent : pe.uncovered)
    text += fmt::format(
        "             {} bytes of the certificate table at offset {} belong to no signature\n",
        extent.size, extent.offset);
  return text;
}

}  // namespace

std::string to_text(const ArtifactReport& report, const TextStyle& style) {
  std::string text = fmt::format("{} {}", label_of(report.standing, style), report.path);
  if (report.reason)
    text += '\n' + reason_line(*report.reason);
  else if (report.trust)
    text += fmt::format("  by {}, {}\n", signer_text(report), trust_text(*report.trust));
  else if (report.standing == Standing::unchecked)
    text += fmt::format("  {}\n", unchecked_text(report));
  else
    text += '\n';
  if (!report.note.empty()) text += fmt::format("             {}\n", report.note);
  if (!report.kernel_is_sure) text += fmt::format("             rules of {}\n", report.kernel);
  if (report.pe) text += pe_lines(*report.pe);
  if (style.verbose) text += steps_to_text(report.steps);
  return text;
}

std::string add_to(Groups& groups, const ArtifactReport& report, const TextStyle& style) {
  Likeness likeness{label_of(report.standing, style), noun_of(report.kind), {}};
  std::string& rest = likeness.rest;
  if (report.standing == Standing::verified) {
    rest = " signed by " + signer_text(report);
    if (!report.release.empty()) rest += fmt::format(", release {}", encode_name(report.release));
    if (report.trust) rest += ", " + trust_text(*report.trust);
    if (!report.kernel_is_sure) rest += ", rules of " + report.kernel;
    groups.count(likeness);
    return report.pe && report.pe->is_odd() ? to_text(report, style) : std::string();
  }
  if (report.standing == Standing::bad || report.standing == Standing::malformed)
    return to_text(report, style);
  if (!report.signatures.empty()) rest += " signed by " + signer_text(report);
  if (report.reason)
    rest += fmt::format(": {} [{}]", report.reason->kind, report.reason->id);
  else
    rest += ": " + unchecked_text(report);
  groups.hold(likeness, to_text(report, style));
  return {};
}

std::string to_text(const Summary& summary) {
  std::string text = count_of(summary.artifacts, "artifact") + ": ";
  for (const Standing standing :
       {Standing::verified, Standing::unsigned_, Standing::untrusted, Standing::bad,
        Standing::malformed, Standing::undetermined, Standing::unchecked}) {
    if (const std::uint64_t count = summary.count(standing); count != 0)
      text += fmt::format("{} {}, ", count, standing_name(standing));
  }
  if (summary.images_unverified != 0)
    text += fmt::format("among them {} not verified, ",
                        count_of(summary.images_unverified, "kernel image"));
  return text + fmt::format("{} skipped\n", count_of(summary.skipped, "other file"));
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

std::string appended_lines(const AppendedEvidence& appended, const TextStyle& style) {
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
  for (const auto& certificate : appended.signature->certificates()) {
    text +=
        fmt::format("    certificate  {}, issued by {}\n", name_text(certificate->x509().subject),
                    name_text(certificate->x509().issuer));
    const auto fingerprint = compute_digest(Hash::sha256, certificate->x509().raw.bytes());
    if (style.verbose && fingerprint)
      text += fmt::format("                 SHA-256 {}\n", fingerprint->hex());
  }
  return text;
}

std::string builtin_lines(const Result<SystemCertificates>& builtin) {
  if (!builtin) return fmt::format("  built-in certificates: {}\n", describe(builtin.error()));
  std::string text = fmt::format("  built-in certificates: {}, found by {}\n",
                                 builtin->certificates.size(), found_by_name(builtin->found_by));
  std::uint64_t offset = builtin->where.offset;
  for (const auto& der : builtin->certificates) {
    text += fmt::format("    {}\n", name_text(parse_certificate(View(der)).subject));
    if (const auto fingerprint = compute_digest(Hash::sha256, der))
      text += fmt::format("      SHA-256 {}\n", fingerprint->hex());
    text += fmt::format("      payload [{}, {})\n", offset, offset + der.size());
    offset += der.size();
  }
  return text;
}

std::string image_lines(const Examined& artifact) {
  const KernelImage& image = *artifact.image;
  const bool has_list = artifact.builtin && *artifact.builtin;
  const std::string& banner =
      has_list && !(*artifact.builtin)->banner.empty() ? (*artifact.builtin)->banner : image.banner;
  std::string text;
  if (!banner.empty()) text += fmt::format("  kernel {}\n", encode_name(banner));
  text += fmt::format("  payload [{}, {}), {}\n", image.payload.offset, image.payload.end(),
                      image.payload_codec ? codec_name(*image.payload_codec) : "not compressed");
  if (artifact.builtin) text += builtin_lines(*artifact.builtin);
  return text;
}

std::string message_lines(const SignatureEvidence& signature) {
  std::string text;
  if (const auto& fault = signature.cms().fault)
    text +=
        fmt::format("    stops        at offset {}: {}\n", fault->where.offset, describe(*fault));
  for (const CmsSigner& signer : signature.cms().signers) text += signer_lines(signer, signature);
  for (const auto& certificate : signature.certificates())
    text +=
        fmt::format("    certificate  {}, issued by {}\n", name_text(certificate->x509().subject),
                    name_text(certificate->x509().issuer));
  return text;
}

std::string image_lines(const PeBootEvidence& image) {
  std::string text;
  for (std::size_t i = 0; i < image.sections.size(); ++i)
    text += fmt::format("  section {} [{}, {})\n", encode_name(image.section_names[i]),
                        image.sections[i].raw_offset,
                        std::uint64_t{image.sections[i].raw_offset} + image.sections[i].raw_size);
  if (image.sbat && *image.sbat)
    for (const SbatEntry& entry : **image.sbat)
      text += fmt::format("  sbat {} {} ({} {} {})\n", encode_name(entry.component),
                          entry.generation, encode_name(entry.vendor), encode_name(entry.package),
                          encode_name(entry.version));
  const PeReport report = describe_pe(image);
  for (const PeReport::ImageDigest& digest : report.digests)
    text += fmt::format("  digest {} ({}): {}\n", digest.algorithm, digest.verifiers,
                        digest.digest.empty() ? digest.refusal : digest.digest);
  for (const PeCertificateEntry& entry : image.entries) {
    text += fmt::format("  PE signature [{}, {}), type {}, revision 0x{:04x}\n", entry.where.offset,
                        entry.where.end(), entry.certificate.type, entry.certificate.revision);
    if (!entry.signature) continue;
    text += message_lines(*entry.signature);
    for (const NestedSignature& nested : entry.nested) {
      const Extent where = nested.signature.bytes().extent();
      text += fmt::format("  nested in it [{}, {})\n", where.offset, where.end());
      text += message_lines(nested.signature);
    }
  }
  if (image.entries.empty()) text += "  no PE signature\n";
  return text + pe_lines(report);
}

}  // namespace

std::string to_text(const Examined& artifact, const TextStyle& style) {
  std::string text = fmt::format("{}\n", artifact.name);
  if (artifact.error && artifact.kind == ArtifactKind::unknown)
    return text +
           fmt::format(
               "  {}\n",
               describe(
                   {artifact.error->reason, artifact.error->where, artifact.error->detail, {}}));
  text += fmt::format("  {}{}{}, {} bytes\n", kind_name(artifact.kind),
                      artifact.format.empty() ? "" : " ", artifact.format, artifact.size);
  if (artifact.error)
    return text +
           fmt::format(
               "  {}\n",
               describe(
                   {artifact.error->reason, artifact.error->where, artifact.error->detail, {}}));
  if (artifact.module && !artifact.module->vermagic.empty())
    text += fmt::format("  built for {}\n", encode_name(artifact.module->vermagic));
  if (artifact.image) text += image_lines(artifact);
  if (artifact.appended && artifact.appended->trailer.has_marker)
    text += appended_lines(*artifact.appended, style);
  else if (artifact.kind == ArtifactKind::module)
    text += "  no signature\n";
  if (artifact.boot) text += image_lines(*artifact.boot);
  for (const ImaRecord& record : artifact.ima) text += records_to_text(record);
  for (const SectionText& one : artifact.texts)
    text += fmt::format("  {} {}\n", one.section, encode_name(one.text));
  return text;
}

std::string steps_to_text(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    const bool fails = step.finding == Finding::fails;
    text += fmt::format("  {:<32} {:<7} {}", step.rule->id, finding_name(step.finding),
                        fails ? step.rule->fails : step.rule->holds);
    if (!step.because.empty()) text += fmt::format("  [{}]", step.because);
    if (step.err != Errno::none) text += fmt::format("  -> {}", errno_name(step.err));
    text += '\n';
  }
  return text;
}

namespace {

// "E (no valid signature), O (built out of tree)".
std::string taint_text(std::string_view letters) {
  struct Letter {
    char letter;
    std::string_view says;
  };
  constexpr Letter kLetters[] = {{'P', "its license is not free"},
                                 {'F', "loaded by force"},
                                 {'C', "from drivers/staging"},
                                 {'O', "built out of tree"},
                                 {'E', "no valid signature"}};
  std::string text;
  for (const Letter& one : kLetters)
    if (letters.contains(one.letter))
      text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", one.letter, one.says);
  return text;
}

// What whoever asks sees of it.
std::string outcome_lines(const JudgedArtifact& judged, const Verdict& verdict) {
  constexpr std::string_view kIndent = "             ";
  switch (verdict.decision) {
    case Decision::refused:
      return fmt::format("{}the system call fails with {} ({}): {}\n", kIndent,
                         errno_name(verdict.err), errno_number(verdict.err),
                         std::generic_category().message(errno_number(verdict.err)));
    case Decision::allowed_tainted:
      return fmt::format("{}it loads, and taints the kernel: {}\n", kIndent,
                         taint_text(judged.taint));
    case Decision::allowed_unverified:
      return fmt::format("{}it is taken although no good signature was found\n", kIndent);
    case Decision::crashes: return fmt::format("{}the kernel itself goes wrong\n", kIndent);
    case Decision::undetermined: break;
    case Decision::allowed: return {};
  }
  std::string text;
  for (const std::string& key : verdict.open)
    text += fmt::format("{}to be known: {} - {}\n", kIndent, key, question_of(key));
  return text;
}

}  // namespace

std::string to_text(const JudgedArtifact& judged, const Verdict& verdict, const TextStyle& style) {
  std::string text =
      fmt::format("{} {}  {}", label_of(verdict.decision, style), judged.path, judged.request);
  if (!judged.platform.empty()) text += ", " + judged.platform;
  if (!judged.rules.empty()) text += fmt::format(", rules of {}", judged.rules);
  text += '\n';
  if (judged.reason) text += reason_line(*judged.reason);
  for (const std::string& note : judged.notes) text += "  " + note + "\n";
  if (!style.verbose) return text;
  if (const std::string note = release_note(verdict.steps); !note.empty())
    text += fmt::format("             {}\n", note);
  text += outcome_lines(judged, verdict);
  if (!verdict.steps.empty()) text += "  the kernel's rules, in the order in which it asks:\n";
  text += steps_to_text(verdict.steps);
  for (const std::string& line : verdict.log) text += fmt::format("  kernel log: {}\n", line);
  return text;
}

void add_to(Groups& groups, const JudgedArtifact& judged, const Verdict& verdict,
            const TextStyle& style) {
  Likeness likeness{label_of(verdict.decision, style), judged.request, {}};
  if (verdict.decision == Decision::allowed) {
    likeness.rest = ", " + judged.platform;
    if (!judged.rules.empty()) likeness.rest += ", rules of " + judged.rules;
    groups.count(likeness);
    return;
  }
  if (judged.reason)
    likeness.rest = fmt::format(": {} [{}]", judged.reason->kind, judged.reason->id);
  groups.hold(likeness, to_text(judged, verdict, style));
}

std::string to_text(const VerdictSummary& summary) {
  std::string text = count_of(summary.artifacts, "artifact") + ": ";
  for (const Decision decision :
       {Decision::allowed, Decision::allowed_unverified, Decision::allowed_tainted,
        Decision::refused, Decision::crashes, Decision::undetermined}) {
    if (const std::uint64_t count = summary.count(decision); count != 0)
      text += fmt::format("{} {}, ", count, decision_name(decision));
  }
  return text + fmt::format("{} skipped\n", count_of(summary.skipped, "other file"));
}

}  // namespace assay
