// trees/module_proof.h - a Merkle proof as it is appended to a module, and the root in the kernel.
//
//   appended to a module:   position, 32 bits big endian | siblings, 32 bytes each | information
//                           block with id_type 3 and sig_len | marker
//                           (formats/appended_signature.h; struct module_hashes_proof)
//   in .module_hashes:      levels, 32 bits in the kernel's byte order | root, 32 bytes
//                           (struct module_hashes_root)

#pragma once

#include <optional>

#include "bytes/content.h"
#include "formats/appended_signature.h"
#include "trees/module_tree.h"

namespace assay {

inline constexpr std::uint8_t kIdTypeMerkle = 3;  // MODULE_SIGNATURE_TYPE_MERKLE

// What `levels` siblings take.
inline constexpr std::uint64_t module_proof_size(std::uint64_t levels) {
  return 4 + levels * kTreeHashSize;
}

// Nothing where the size is that of no proof.
std::optional<ModuleProof> parse_module_proof(View bytes);
std::vector<std::uint8_t> write_module_proof(const ModuleProof& proof);
// The same with the information block and the marker: what modules_install appends.
std::vector<std::uint8_t> write_module_trailer(const ModuleProof& proof);

// A proof behind a module, and the root that the two lead to.
struct FollowedProof : ModuleProof {
  ModuleHash root;
  // The information block is as kernels want it, and something precedes the proof; else they refuse
  // the module without a look at the proof.
  bool is_well_formed = false;
};
// Nothing where what stands behind the module is no proof, or has the size of none.
Result<std::optional<FollowedProof>> follow_module_proof(const Content& module,
                                                         const SignatureTrailer& trailer);

// "17da356a...": nothing where it is not 64 hexadecimal digits.
std::optional<ModuleHash> parse_module_hash(std::string_view hex);

struct ModuleRoot {
  std::uint32_t levels = 0;
  ModuleHash hash;
  friend bool operator==(const ModuleRoot&, const ModuleRoot&) = default;
};

inline constexpr std::size_t kModuleRootSize = 4 + kTreeHashSize;
std::array<std::uint8_t, kModuleRootSize> write_module_root(const ModuleRoot& root,
                                                            bool big_endian);
// Nothing where it is not 36 bytes, or has more levels than there are positions for.
std::optional<ModuleRoot> parse_module_root(View bytes, bool big_endian);

}  // namespace assay
