#include "edit/attach.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "bytes/reader.h"
#include "edit/apply_record.h"
#include "edit/pe_table.h"
#include "formats/appended_signature.h"
#include "formats/cms.h"
#include "signatures/algorithms.h"
#include "signatures/authenticode.h"

namespace assay {

namespace {

// The message of a WIN_CERTIFICATE, or the whole.
struct GivenSignature {
  View message;
  bool is_win_certificate = false;
};

Result<GivenSignature> read_signature(View bytes) {
  constexpr std::uint8_t kSequence = 0x30;
  if (!bytes.empty() && bytes[0] == kSequence) return GivenSignature{bytes, false};
  Reader reader(bytes);
  const auto header = reader.record<pe::kCertificateHeaderSize>();
  if (!header)
    return fail(Reason::bad_record, bytes.extent(), "neither PKCS#7 nor WIN_CERTIFICATE");
  const std::uint32_t size = header->le32<0>();
  if (size < pe::kCertificateHeaderSize || size > bytes.size() ||
      header->le16<6>() != pe::kTypePkcs7 || header->le16<4>() != pe::kRevision2)
    return fail(Reason::bad_record, bytes.extent(),
                fmt::format("neither PKCS#7 nor WIN_CERTIFICATE (dwLength {}, revision {:#x}, type "
                            "{})",
                            size, header->le16<4>(), header->le16<6>()));
  return GivenSignature{bytes.sub(pe::kCertificateHeaderSize, size - pe::kCertificateHeaderSize),
                        true};
}

std::unexpected<Error> other_digest(View named, const Digest& found) {
  return fail(Reason::record_mismatch, {},
              fmt::format("the signature is over {} {}, the file has {}", hash_name(found.hash()),
                          to_hex(named.bytes()), found.hex()));
}

// The digest that Authenticode signs, of the image with its table.
Result<void> check_image_digest(const Content& image, const CmsMessage& message) {
  if (!message.content) return fail(Reason::bad_record, {}, "no SpcIndirectDataContent");
  const IndirectData data = parse_indirect_data(message.content->raw);
  const auto* algorithm =
      data.digest_algo ? find_image_digest_algorithm(find_oid(*data.digest_algo)) : nullptr;
  if (data.fault || algorithm == nullptr || !data.digest)
    return fail(Reason::bad_record, {}, "the digest of the image cannot be read");
  ASSAY_TRY(const PeHeaders headers, read_pe_headers(image));
  ASSAY_TRY(const auto sections, read_pe_sections(image, headers));
  const ImageRanges ranges = kernel_image_ranges(headers, sections);
  if (!ranges.is_defined() || is_hashed_too_often(ranges.ranges, image.size()))
    return fail(Reason::not_signable, {}, "the image has no digest: its sections do not add up");
  ASSAY_TRY(const Digest found, compute_digest(algorithm->hash, image, ranges.ranges));
  if (!std::ranges::equal(found.bytes(), data.digest->bytes()))
    return other_digest(*data.digest, found);
  return {};
}

// The digests that signed attributes name. False where there are none to compare.
Result<bool> check_content_digest(const Content& content, const CmsMessage& message) {
  bool compared = false;
  for (const CmsSigner& signer : message.signers) {
    const DigestAlgorithm* algorithm = find_digest_algorithm(signer.digest_algo);
    if (!signer.message_digest || algorithm == nullptr) continue;
    ASSAY_TRY(const Digest found, compute_digest(algorithm->hash, content, 0, content.size()));
    if (!std::ranges::equal(found.bytes(), signer.message_digest->bytes()))
      return other_digest(*signer.message_digest, found);
    compared = true;
  }
  return compared;
}

std::vector<std::uint8_t> copy_of(View view) { return {view.bytes().begin(), view.bytes().end()}; }

}  // namespace

Result<Edited> attach_record(const Artifact& artifact, const EditRecord& record) {
  return apply_record(artifact, record, Direction::forward);
}

RecordPart describe_appended_signature(const Content& content, View message) {
  std::vector<std::uint8_t> tail = copy_of(message);
  const std::array<std::uint8_t, kInfoBlockSize - 4> block = {0, 0, kIdTypePkcs7};
  tail.insert(tail.end(), block.begin(), block.end());
  for (int shift = 24; shift >= 0; shift -= 8)
    tail.push_back(static_cast<std::uint8_t>(message.size() >> shift));
  tail.insert(tail.end(), kSignatureMarker.begin(), kSignatureMarker.end());
  RecordPart part;
  part.carrier = RecordPart::Carrier::appended;
  part.splices = {{content.size(), {}, std::move(tail)}};
  return part;
}

Result<Edited> apply_parts(const Artifact& artifact, std::vector<RecordPart> parts) {
  Edited edited;
  edited.record.name = artifact.name;
  Rope content(artifact.plain);
  for (const RecordPart& part : parts) {
    ASSAY_TRY(content, splice(content, part.splices, Direction::forward));
  }
  edited.record.parts = std::move(parts);
  ASSAY_TRY(edited.record.before, identify(*artifact.plain));
  ASSAY_TRY(edited.record.after, identify(content));
  if (!artifact.codec) {
    edited.stored = std::make_shared<Rope>(std::move(content));
    return edited;
  }
  Compression compression{*artifact.codec, {}, {}};
  ASSAY_TRY(compression.before, describe_stored(*artifact.stored, *artifact.plain));
  auto parameters = compression.before.parameters.value_or(kernel_parameters(*artifact.codec));
  ASSAY_TRY(Compressed compressed, compress(content, parameters));
  std::vector<std::uint8_t> scratch;
  const auto checked = [&]() -> Result<void> {
    ASSAY_TRY(const View stream,
              view_of(*compressed.stored, 0, compressed.stored->size(), scratch));
    return check_for_kernel(*artifact.codec, stream);
  };
  if (const auto accepted = checked(); !accepted) {
    // What was there, the kernel did not read either: now it does.
    edited.notes.push_back("compressed anew as the kernel's build does: " +
                           accepted.error().detail);
    parameters = kernel_parameters(*artifact.codec);
    ASSAY_TRY(compressed, compress(content, parameters));
    ASSAY_CHECK(checked());
  }
  compression.after = std::move(compressed.form);
  edited.stored = std::move(compressed.stored);
  edited.record.compression = std::move(compression);
  return edited;
}

Result<Edited> attach_signature(const Artifact& artifact, View signature) {
  ASSAY_TRY(const GivenSignature given, read_signature(signature));
  const CmsMessage message = parse_cms(given.message);
  if (message.fault)
    return fail(Reason::bad_record, signature.extent(), "PKCS#7: " + describe(*message.fault));
  const bool is_authenticode = message.content_type == Oid::ms_indirect_data;
  if (is_authenticode) {
    ASSAY_TRY(const auto headers, find_pe_image(*artifact.plain));
    if (!headers)
      return fail(Reason::not_signable, {}, "a signature of a PE image, and the file is none");
    std::vector<std::uint8_t> certificate =
        given.is_win_certificate ? copy_of(signature) : write_win_certificate(given.message);
    ASSAY_TRY(RecordPart part,
              describe_addition(*artifact.plain, *headers, std::move(certificate)));
    ASSAY_TRY(Edited edited, apply_parts(artifact, {std::move(part)}));
    ASSAY_CHECK(check_image_digest(*edited.stored, message));
    return edited;
  }
  if (given.is_win_certificate)
    return fail(Reason::bad_record, {}, "a WIN_CERTIFICATE that is no Authenticode signature");
  ASSAY_TRY(const bool compared, check_content_digest(*artifact.plain, message));
  ASSAY_TRY(Edited edited,
            apply_parts(artifact, {describe_appended_signature(*artifact.plain, given.message)}));
  if (!compared)
    edited.notes.push_back(
        "the signature names no digest: whether it is of this file, verify says");
  return edited;
}

Result<bool> carries_signature(const Artifact& artifact, View signature) {
  ASSAY_TRY(const GivenSignature given, read_signature(signature));
  const Content& content = *artifact.plain;
  std::vector<std::uint8_t> scratch;
  const auto is_at = [&](std::uint64_t offset) -> Result<bool> {
    if (!lies_inside(offset, given.message.size(), content.size())) return false;
    ASSAY_TRY(const View there, view_of(content, offset, given.message.size(), scratch));
    return same_bytes(there, given.message);
  };
  ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(content));
  if (trailer.has_marker && trailer.splits &&
      trailer.signature_extent().size == given.message.size())
    return is_at(trailer.signature_extent().offset);
  ASSAY_TRY(const auto headers, find_pe_image(content));
  if (!headers) return false;
  ASSAY_TRY(const auto table, find_pe_table(content, *headers));
  if (!table) return false;
  for (const Extent entry : table->entries) {
    ASSAY_TRY(const bool found, is_at(entry.offset + pe::kCertificateHeaderSize));
    if (found) return true;
  }
  return false;
}

}  // namespace assay
