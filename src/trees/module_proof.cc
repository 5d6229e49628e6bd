#include "trees/module_proof.h"

#include <algorithm>

#include "bytes/reader.h"

namespace assay {

namespace {

void append_be32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

}  // namespace

std::optional<ModuleProof> parse_module_proof(View bytes) {
  if (bytes.size() < module_proof_size(0) || bytes.size() > module_proof_size(kModuleTreeLevels) ||
      (bytes.size() - module_proof_size(0)) % kTreeHashSize != 0)
    return std::nullopt;
  Reader reader(bytes);
  ModuleProof proof;
  proof.position = reader.record<4>()->be32<0>();
  while (!reader.empty()) {
    ModuleHash sibling;
    std::ranges::copy(reader.record<kTreeHashSize>()->field<0, kTreeHashSize>(),
                      sibling.bytes.begin());
    proof.siblings.push_back(sibling);
  }
  return proof;
}

std::vector<std::uint8_t> write_module_proof(const ModuleProof& proof) {
  std::vector<std::uint8_t> out;
  append_be32(out, proof.position);
  for (const ModuleHash& sibling : proof.siblings)
    out.insert(out.end(), sibling.bytes.begin(), sibling.bytes.end());
  return out;
}

std::vector<std::uint8_t> write_module_trailer(const ModuleProof& proof) {
  std::vector<std::uint8_t> out = write_module_proof(proof);
  const auto size = static_cast<std::uint32_t>(out.size());
  out.insert(out.end(), {0, 0, kIdTypeMerkle, 0, 0, 0, 0, 0});
  append_be32(out, size);
  out.insert(out.end(), kSignatureMarker.begin(), kSignatureMarker.end());
  return out;
}

Result<std::optional<FollowedProof>> follow_module_proof(const Content& module,
                                                         const SignatureTrailer& trailer) {
  if (!trailer.splits || trailer.block->id_type != kIdTypeMerkle) return std::nullopt;
  const Extent where = trailer.signature_extent();
  if (where.size > module_proof_size(kModuleTreeLevels)) return std::nullopt;
  std::vector<std::uint8_t> scratch;
  ASSAY_TRY(const View bytes, view_of(module, where.offset, where.size, scratch));
  auto proof = parse_module_proof(bytes);
  if (!proof) return std::nullopt;
  ASSAY_TRY(const ModuleHash leaf, module_leaf(proof->position, module, trailer.payload_size));
  ASSAY_TRY(const ModuleHash root, climb(*proof, leaf));
  const bool is_well_formed =
      trailer.block->has_only_zeros() && trailer.block->sig_len < trailer.before_block;
  return FollowedProof{std::move(*proof), root, is_well_formed};
}

std::optional<ModuleHash> parse_module_hash(std::string_view hex) {
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != kTreeHashSize) return std::nullopt;
  ModuleHash hash;
  std::ranges::copy(*bytes, hash.bytes.begin());
  return hash;
}

std::array<std::uint8_t, kModuleRootSize> write_module_root(const ModuleRoot& root,
                                                            bool big_endian) {
  std::array<std::uint8_t, kModuleRootSize> out{};
  for (unsigned i = 0; i < 4; ++i)
    out[i] = static_cast<std::uint8_t>(root.levels >> (8 * (big_endian ? 3 - i : i)));
  std::ranges::copy(root.hash.bytes, out.begin() + 4);
  return out;
}

std::optional<ModuleRoot> parse_module_root(View bytes, bool big_endian) {
  if (bytes.size() != kModuleRootSize) return std::nullopt;
  Reader reader(bytes);
  const auto record = *reader.record<kModuleRootSize>();
  ModuleRoot root;
  root.levels = big_endian ? record.be32<0>() : record.le32<0>();
  if (root.levels > kModuleTreeLevels) return std::nullopt;
  std::ranges::copy(record.field<4, kTreeHashSize>(), root.hash.bytes.begin());
  return root;
}

}  // namespace assay
