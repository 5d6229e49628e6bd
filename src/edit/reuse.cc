#include "edit/reuse.h"

#include <fmt/format.h>

#include "edit/attach.h"
#include "edit/message_check.h"
#include "formats/appended_signature.h"
#include "signatures/algorithms.h"

namespace assay {

namespace {

using Carrier = RecordPart::Carrier;

std::unexpected<Error> other_form(std::string what) {
  return fail(Reason::record_mismatch, {}, "the signature of the record " + std::move(what));
}

// The message that a part puts in last.
std::optional<View> message_of(const RecordPart& part) {
  if (part.splices.empty()) return std::nullopt;
  const Splice& last = part.splices.back();
  const View tail(last.after);
  const ViewContent content(tail);
  if (part.carrier == Carrier::appended) {
    const auto trailer = read_signature_trailer(content);
    if (!trailer || !trailer->splits) return std::nullopt;
    const Extent where = trailer->signature_extent();
    return tail.sub(where.offset, where.size);
  }
  // Behind the zeros that bring the file to a multiple of eight.
  const std::uint64_t start = (8 - last.offset % 8) % 8;
  const auto header = read_win_certificate(content, start);
  if (!header || !*header || (*header)->length < pe::kCertificateHeaderSize ||
      !lies_inside(start, (*header)->length, tail.size()))
    return std::nullopt;
  return tail.sub(start + pe::kCertificateHeaderSize,
                  (*header)->length - pe::kCertificateHeaderSize);
}

Result<void> check_form(const CmsMessage& message, bool is_image, const SignOptions& options) {
  const CmsSigner& signer = message.signers.front();
  const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo);
  if (algorithm == nullptr || algorithm->hash != options.hash)
    return other_form(
        fmt::format("is over {}, not {}",
                    algorithm == nullptr ? "an unknown digest" : hash_name(algorithm->hash),
                    hash_name(options.hash)));
  if (signer.by_skid != options.by_key_identifier)
    return other_form(signer.by_skid ? "names a key identifier, not issuer and serial number"
                                     : "names issuer and serial number, not a key identifier");
  if (signer.authattrs.has_value() != (is_image || options.signed_attributes))
    return other_form(signer.authattrs ? "has signed attributes" : "has no signed attributes");
  if (message.certificates.empty() == options.embeds_certificates.value_or(is_image))
    return other_form(message.certificates.empty() ? "has no certificate" : "has a certificate");
  return {};
}

// False where somebody else signed, or nobody.
Result<bool> is_reusable(const Artifact& artifact, const EditRecord& record,
                         const SigningCertificate& certificate, const SignOptions& options) {
  if (record.parts.size() != 1) return false;
  const auto bytes = message_of(record.parts.front());
  if (!bytes) return false;
  const CmsMessage message = parse_cms(*bytes);
  if (message.fault || message.signers.size() != 1 ||
      !names_certificate(message.signers.front(), parse_certificate(View(certificate.der))))
    return false;
  ASSAY_TRY(const SignaturePlace place, find_signature_place(artifact, options));
  const bool is_image = place.headers.has_value();
  ASSAY_CHECK(check_form(message, is_image, options));
  // What sign would do with this message, and nothing else.
  ASSAY_TRY(const RecordPart part, describe_signature(*artifact.plain, place, *bytes));
  if (record.parts.front() != part) return other_form("stands in another place");
  const std::vector<SigningCertificate> ours{certificate};
  MessageBinding binding;
  if (is_image) {
    ASSAY_TRY(const Rope image, splice(Rope(artifact.plain), part.splices, Direction::forward));
    ASSAY_TRY(binding, check_image_message(message, image, ours));
  } else {
    const Rope payload = Rope(artifact.plain).sub({0, place.payload_size});
    ASSAY_TRY(binding, check_message(message, payload, ours));
  }
  if (!binding.is_verified) return other_form("cannot be verified");
  return true;
}

}  // namespace

Result<std::optional<Edited>> reuse_signature(const Artifact& artifact, const RecordSet& records,
                                              const SigningCertificate& certificate,
                                              const SignOptions& options) {
  if (!records.has_size(Direction::forward, artifact.plain->size())) return std::nullopt;
  ASSAY_TRY(const ContentId id, identify(*artifact.plain));
  // Those of this name first: equal files may be signed differently.
  std::vector<const EditRecord*> candidates;
  for (const bool is_named : {true, false})
    for (const EditRecord& record : records.records())
      if (record.before == id && fits_container(record, artifact.codec) &&
          (record.name == artifact.name) == is_named)
        candidates.push_back(&record);
  std::optional<Error> refused;
  for (const EditRecord* record : candidates) {
    const auto fits = is_reusable(artifact, *record, certificate, options);
    if (!fits && !refused) refused = fits.error();
    if (!fits || !*fits) continue;
    ASSAY_TRY(Edited edited, attach_record(artifact, *record));
    edited.notes.emplace_back("the signature of a record was put in");
    return edited;
  }
  if (refused) return std::unexpected(std::move(*refused));
  return std::nullopt;
}

}  // namespace assay
