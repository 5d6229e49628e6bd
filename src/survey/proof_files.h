// survey/proof_files.h - what a tree of module hashes is written out as: a proof a module, and what
// stands in the kernel.
//
//   DIR/kernel/fs/ext4/ext4.merkle   what modules_install appends to ext4.ko: proof, information
//                                    block, marker, as scripts/modules-merkle-tree writes it
//   DIR/module_hashes                .module_hashes, for objcopy --update-section
//   DIR/modules.order                names and positions that the proofs are of

#pragma once

#include <string>

#include "survey/module_set.h"

namespace assay {

// The proofs alone. bad_value where a name of the order leads out of the folder.
Result<void> write_proof_files(const std::string& folder, const ModuleOrder& order,
                               const ModuleTree& tree);

// All of it.
Result<void> write_tree_files(const std::string& folder, const ModuleOrder& order,
                              const ModuleTree& tree, bool big_endian);

}  // namespace assay
