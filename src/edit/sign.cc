#include "edit/sign.h"

#include <fmt/format.h>

#include <algorithm>

#include "edit/attach.h"
#include "edit/pe_table.h"
#include "formats/appended_signature.h"
#include "formats/cms.h"
#include "signatures/algorithms.h"
#include "signatures/authenticode.h"

namespace assay {

namespace {

using Carrier = RecordPart::Carrier;

// The bytes that the new signature is to be over: without the old ones, where they are replaced.
struct Place {
  std::optional<PeHeaders> headers;  // of a PE image
  std::optional<PeTable> table;      // that it has
  std::uint64_t payload_size = 0;    // of what an appended signature is over
};

std::unexpected<Error> already_signed(std::string what) {
  return fail(Reason::already_signed, {}, std::move(what));
}

Result<Place> find_place(const Content& content, const SignOptions& options) {
  Place place;
  if (!options.always_appended) {
    ASSAY_TRY(place.headers, find_pe_image(content));
  }
  if (place.headers) {
    ASSAY_TRY(place.table, find_pe_table(content, *place.headers));
    if (place.table && options.existing == Existing::refuse)
      return already_signed(
          fmt::format("a certificate table of {} bytes", place.table->extent.size));
    return place;
  }
  place.payload_size = content.size();
  Rope left{std::shared_ptr<const Content>(std::shared_ptr<const Content>(), &content)};
  for (;;) {
    ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(left));
    if (!trailer.has_marker || options.existing == Existing::add) return place;
    if (options.existing == Existing::refuse) return already_signed("an appended signature");
    if (!trailer.splits)
      return fail(Reason::bad_length, trailer.marker_extent(), "of the signature to be replaced");
    place.payload_size = trailer.payload_size;
    left = left.sub({0, place.payload_size});
  }
}

// What stands in the table's place while the digest is computed, which does not see it.
Result<RecordPart> describe_certificate(const Content& content, const Place& place,
                                        const SignOptions& options, View message) {
  std::vector<std::uint8_t> certificate = write_win_certificate(message);
  if (place.table && options.existing == Existing::replace)
    return describe_replacement(content, *place.table, std::move(certificate));
  return describe_addition(content, *place.headers, std::move(certificate));
}

Result<Digest> image_digest(const Artifact& artifact, const Place& place,
                            const SignOptions& options) {
  ASSAY_TRY(const RecordPart part, describe_certificate(*artifact.plain, place, options, View()));
  ASSAY_TRY(const Rope image, splice(Rope(artifact.plain), part.splices, Direction::forward));
  ASSAY_TRY(const PeHeaders headers, read_pe_headers(image));
  ASSAY_TRY(const auto sections, read_pe_sections(image, headers));
  const ImageRanges ranges = kernel_image_ranges(headers, sections);
  if (!ranges.is_defined() || is_hashed_too_often(ranges.ranges, image.size()))
    return fail(Reason::not_signable, {}, "the image has no digest: its sections do not add up");
  return compute_digest(options.hash, image, ranges.ranges);
}

// The content octets of a DER element, which is what PKCS#7 digests of SpcIndirectDataContent (RFC
// 2315, 9.3).
Result<Digest> digest_of_value(Hash hash, const DerBytes& element) {
  const std::size_t header = element[1] < 0x80 ? 2U : 2U + (element[1] & 0x7fU);
  return compute_digest(hash, std::span(element).subspan(header));
}

Result<void> prepare_image(const Artifact& artifact, const Place& place, const SigningKey& key,
                           const SignOptions& options, PreparedSignature& prepared) {
  prepared.carrier = Carrier::pe;
  ASSAY_TRY(const Digest digest, image_digest(artifact, place, options));
  CmsTemplate form;
  form.hash = options.hash;
  form.by_key_identifier = options.by_key_identifier;
  form.embeds_certificates = options.embeds_certificates.value_or(true);
  form.signed_attributes = true;  // the kernel's parser insists (pkcs7_check_authattrs)
  form.time = options.time;
  form.indirect_data = write_indirect_data(digest);
  ASSAY_TRY(const Digest inner, digest_of_value(options.hash, form.indirect_data));
  ASSAY_TRY(prepared.message, prepare_message(std::move(form), key, inner, {}));
  return {};
}

Result<void> prepare_appended(const Artifact& artifact, const Place& place, const SigningKey& key,
                              const SignOptions& options, PreparedSignature& prepared) {
  ASSAY_TRY(const Digest digest,
            compute_digest(options.hash, *artifact.plain, 0, place.payload_size));
  CmsTemplate form;
  form.hash = options.hash;
  form.by_key_identifier = options.by_key_identifier;
  form.embeds_certificates = options.embeds_certificates.value_or(false);
  form.signed_attributes = options.signed_attributes;
  form.time = options.time;
  if (!key.signs_digests() && !form.signed_attributes) {
    prepared.content.resize(place.payload_size);
    ASSAY_CHECK(artifact.plain->read(0, prepared.content));
  }
  ASSAY_TRY(prepared.message, prepare_message(std::move(form), key, digest, prepared.content));
  return {};
}

}  // namespace

DerBytes write_indirect_data(const Digest& digest) {
  // SpcPeImageData: no flags, and a file name that means nothing.
  DerBytes name;
  for (const char c : std::string_view("<<<Obsolete>>>")) {
    name.push_back(0);
    name.push_back(static_cast<std::uint8_t>(c));
  }
  const DerBytes link =
      der_element(ber::context_constructed(0),
                  {der_element(ber::context_constructed(2), {der_element(ber::context(0), name)})});
  const DerBytes flags = {ber::kBitString, 1, 0};
  Oid hash = Oid::sha256;
  for (const DigestAlgorithm& row : digest_algorithms())
    if (row.hash == digest.hash()) hash = row.oid;
  return der_sequence({der_sequence({der_oid(Oid::ms_pe_image_data), der_sequence({flags, link})}),
                       der_sequence({der_sequence({der_oid(hash), der_null()}),
                                     der_octet_string(digest.bytes())})});
}

bool is_signed_by(const EditRecord& record, const SigningCertificate& certificate) {
  const Certificate ours = parse_certificate(View(certificate.der));
  for (const RecordPart& part : record.parts) {
    if (part.splices.empty()) continue;
    // The message lies in what the last splice puts in; of an image behind zeros and a header.
    const Splice& last = part.splices.back();
    const View tail(last.after);
    const std::size_t start =
        part.carrier == Carrier::pe ? (8 - last.offset % 8) % 8 + pe::kCertificateHeaderSize : 0;
    if (start >= tail.size()) continue;
    for (const CmsSigner& signer : parse_cms(tail.sub(start, tail.size() - start)).signers) {
      const bool same = signer.by_skid ? ours.skid && same_bytes(signer.sid.first, *ours.skid)
                                       : same_bytes(signer.serial, ours.serial) &&
                                             same_bytes(signer.issuer, ours.issuer);
      if (same) return true;
    }
  }
  return false;
}

Result<std::unique_ptr<PreparedSignature>> prepare_signature(const Artifact& artifact,
                                                             const SigningKey& key,
                                                             const SignOptions& options) {
  ASSAY_TRY(const Place place, find_place(*artifact.plain, options));
  auto prepared = std::make_unique<PreparedSignature>();
  ASSAY_CHECK(place.headers ? prepare_image(artifact, place, key, options, *prepared)
                            : prepare_appended(artifact, place, key, options, *prepared));
  return prepared;
}

Result<Edited> finish_signature(const Artifact& artifact, const PreparedSignature& prepared,
                                const SignOptions& options, const SigningKey& key,
                                const SigningCertificate& certificate,
                                const SignatureOctets& value) {
  ASSAY_TRY(const Place place, find_place(*artifact.plain, options));
  ASSAY_TRY(const DerBytes message, write_message(prepared.message, key, certificate, value));
  RecordPart part;
  if (prepared.carrier == Carrier::pe) {
    ASSAY_TRY(part, describe_certificate(*artifact.plain, place, options, View(message)));
  } else {
    part = describe_appended_signature(*artifact.plain, View(message));
    Splice& splice = part.splices.front();
    splice.offset = place.payload_size;
    splice.before.resize(artifact.plain->size() - place.payload_size);
    ASSAY_CHECK(artifact.plain->read(place.payload_size, splice.before));
  }
  ASSAY_TRY(Edited edited, apply_parts(artifact, {std::move(part)}));
  for (const auto& [name, attribute] : artifact.attributes)
    edited.notes.push_back(name + " stays, and is of the content before");
  return edited;
}

Result<Edited> sign_artifact(const Artifact& artifact, Signer& signer,
                             const SigningCertificate& certificate, const SignOptions& options) {
  ASSAY_TRY(const auto prepared, prepare_signature(artifact, signer.key(), options));
  ASSAY_TRY(const SignatureOctets value, sign_one(signer, prepared->message.request));
  return finish_signature(artifact, *prepared, options, signer.key(), certificate, value);
}

}  // namespace assay
