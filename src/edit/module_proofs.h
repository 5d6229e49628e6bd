// edit/module_proofs.h - Merkle proofs put behind modules.

#pragma once

#include "edit/artifact.h"
#include "trees/module_proof.h"

namespace assay {

// Proofs that the module has are cut off first, and its signatures too where asked. Nothing where
// it has this proof already. record_mismatch where the module is not the one that leads to `root`.
Result<std::optional<Edited>> attach_proof(const Artifact& artifact, const ModuleProof& proof,
                                           const ModuleHash& root, bool without_signatures);

// Where the bytes end that are hashed: before the outermost proofs, and signatures where asked.
Result<std::uint64_t> end_of_hashed(const Content& module, bool without_signatures);

// A proof in a file of its own: position and siblings, or the same with information block and
// marker, as scripts/modules-merkle-tree writes NAME.merkle. Nothing where it is neither.
std::optional<ModuleProof> parse_proof_file(View bytes);

}  // namespace assay
