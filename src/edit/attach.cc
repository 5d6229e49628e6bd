#include "edit/attach.h"

#include <fmt/format.h>

#include <algorithm>

#include "bytes/reader.h"
#include "edit/apply_record.h"
#include "edit/message_check.h"
#include "edit/module_proofs.h"
#include "formats/appended_signature.h"
#include "formats/cms.h"

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

// A proof in a file, where it is nothing else.
std::optional<ModuleProof> find_proof(View bytes) {
  if (read_signature(bytes)) return std::nullopt;
  return parse_proof_file(bytes);
}

Result<AttachedSignature> attach_given_proof(const Artifact& artifact, const ModuleProof& proof,
                                             const AttachOptions& options) {
  const Content& module = *artifact.plain;
  ASSAY_TRY(const SignaturePlace place, find_appended_place(module, options.existing));
  ASSAY_TRY(const ModuleHash leaf, module_leaf(proof.position, module, place.payload_size));
  ASSAY_TRY(const ModuleHash hash, climb(proof, leaf));
  const ModuleRoot root{static_cast<std::uint32_t>(proof.siblings.size()), hash};
  AttachedSignature attached;
  if (options.is_root_of_kernel) {
    ASSAY_TRY(attached.is_bound, options.is_root_of_kernel(root));
    if (!attached.is_bound)
      return fail(Reason::record_mismatch, {},
                  fmt::format("the proof is not of this module and this kernel: it leads to {}",
                              hash.hex()));
  }
  if (!attached.is_bound && !options.unverified)
    return fail(Reason::not_signable, {},
                "any proof leads to some root: --kernel says whose it is to be, --unverified takes "
                "it as it is");
  RecordPart part;
  part.carrier = RecordPart::Carrier::appended;
  std::vector<std::uint8_t> before(module.size() - place.payload_size);
  if (!before.empty()) ASSAY_CHECK(module.read(place.payload_size, before));
  part.splices = {{place.payload_size, std::move(before), write_module_trailer(proof)}};
  ASSAY_TRY(attached.edited, apply_parts(artifact, {std::move(part)}));
  if (!attached.is_bound)
    attached.edited.notes.emplace_back("unverified: the proof may be of any other file");
  return attached;
}

}  // namespace

Result<Edited> attach_record(const Artifact& artifact, const EditRecord& record) {
  return apply_record(artifact, record, Direction::forward);
}

Result<Edited> apply_parts(const Artifact& artifact, std::vector<RecordPart> parts) {
  Edited edited;
  edited.record.name = artifact.name;
  Rope content(artifact.plain);
  for (const RecordPart& part : parts) {
    ASSAY_TRY(content, splice(content, part.splices, Direction::forward));
  }
  edited.record.parts = std::move(parts);
  ASSAY_CHECK(name_sides(artifact, *artifact.plain, content, edited.record));
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

Result<AttachedSignature> attach_signature(const Artifact& artifact, View signature,
                                           const AttachOptions& options) {
  if (const auto proof = find_proof(signature))
    return attach_given_proof(artifact, *proof, options);
  ASSAY_TRY(const GivenSignature given, read_signature(signature));
  const CmsMessage message = parse_cms(given.message);
  if (message.fault)
    return fail(Reason::bad_record, signature.extent(), "PKCS#7: " + describe(*message.fault));
  AttachedSignature attached;
  MessageBinding binding;
  if (message.content_type == Oid::ms_indirect_data) {
    ASSAY_TRY(const auto place, find_image_place(*artifact.plain, options.existing));
    if (!place)
      return fail(Reason::not_signable, {}, "a signature of a PE image, and the file is none");
    ASSAY_TRY(RecordPart part, describe_signature(*artifact.plain, *place, given.message));
    ASSAY_TRY(const Rope image, splice(Rope(artifact.plain), part.splices, Direction::forward));
    ASSAY_TRY(binding, check_image_message(message, image, options.certificates));
    ASSAY_TRY(attached.edited, apply_parts(artifact, {std::move(part)}));
  } else {
    if (given.is_win_certificate)
      return fail(Reason::bad_record, {}, "a WIN_CERTIFICATE that is no Authenticode signature");
    if (!message.trailing.empty())
      return fail(Reason::bad_record, message.trailing.extent(), "bytes follow the message");
    ASSAY_TRY(const SignaturePlace place, find_appended_place(*artifact.plain, options.existing));
    const Rope payload = Rope(artifact.plain).sub({0, place.payload_size});
    ASSAY_TRY(binding, check_message(message, payload, options.certificates));
    ASSAY_TRY(RecordPart part, describe_signature(*artifact.plain, place, given.message));
    ASSAY_TRY(attached.edited, apply_parts(artifact, {std::move(part)}));
  }
  attached.is_bound = binding.is_bound;
  if (!binding.is_bound && !options.unverified)
    return fail(
        Reason::not_signable, {},
        "the signature names no digest of the file: with its certificate (--cert) it can be "
        "verified, --unverified takes it as it is");
  if (!binding.is_bound)
    attached.edited.notes.emplace_back("unverified: the signature may be of any other file");
  return attached;
}

Result<bool> carries_signature(const Artifact& artifact, View signature) {
  GivenSignature given;
  std::vector<std::uint8_t> proof_bytes;
  if (const auto proof = find_proof(signature)) {
    proof_bytes = write_module_proof(*proof);
    given.message = View(proof_bytes);
  } else {
    ASSAY_TRY(given, read_signature(signature));
  }
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
