#include "edit/module_proofs.h"

#include "edit/attach.h"
#include "formats/appended_signature.h"

namespace assay {

Result<std::uint64_t> end_of_hashed(const Content& module, bool without_signatures) {
  std::uint64_t end = module.size();
  const std::shared_ptr<const Content> whole(&module, [](const Content*) {});
  for (;;) {
    Rope rest;
    if (end != 0) rest.append(whole, {0, end});
    ASSAY_TRY(const SignatureTrailer trailer, read_signature_trailer(rest));
    if (!trailer.splits) return end;
    if (trailer.block->id_type != kIdTypeMerkle && !without_signatures) return end;
    end = trailer.payload_size;
  }
}

Result<std::optional<Edited>> attach_proof(const Artifact& artifact, const ModuleProof& proof,
                                           const ModuleHash& root, bool without_signatures) {
  const Content& module = *artifact.plain;
  ASSAY_TRY(const std::uint64_t end, end_of_hashed(module, without_signatures));
  ASSAY_TRY(const ModuleHash leaf, module_leaf(proof.position, module, end));
  ASSAY_TRY(const ModuleHash reached, climb(proof, leaf));
  if (reached != root)
    return fail(Reason::record_mismatch, {}, "the module changed since it was hashed");
  std::vector<std::uint8_t> before(module.size() - end);
  if (!before.empty()) ASSAY_CHECK(module.read(end, before));
  std::vector<std::uint8_t> after = write_module_trailer(proof);
  if (before == after) return std::nullopt;
  RecordPart part;
  part.carrier = RecordPart::Carrier::appended;
  part.splices = {{end, std::move(before), std::move(after)}};
  ASSAY_TRY(Edited edited, apply_parts(artifact, {std::move(part)}));
  return std::optional(std::move(edited));
}

std::optional<ModuleProof> parse_proof_file(View bytes) {
  if (auto proof = parse_module_proof(bytes)) return proof;
  constexpr std::size_t kBehind = kInfoBlockSize + kSignatureMarker.size();
  if (bytes.size() < kBehind) return std::nullopt;
  const auto proof = parse_module_proof(bytes.sub(0, bytes.size() - kBehind));
  if (!proof || !same_bytes(bytes, View(write_module_trailer(*proof)))) return std::nullopt;
  return proof;
}

}  // namespace assay
