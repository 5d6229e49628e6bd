// survey/hashes_check.h - modules against what a kernel was built with: who is known by its hash.

#pragma once

#include <string>
#include <vector>

#include "survey/module_set.h"

namespace assay {

enum class HashFinding : std::uint8_t {
  matches,
  no_proof,      // nothing, or a signature, stands behind the module
  malformed,     // a proof whose information block kernels refuse
  other_height,  // a proof of a tree of another height
  other_root,    // a proof that leads to another root
  not_listed,
  unreadable,
};
std::string_view hash_finding_name(HashFinding finding);  // "other-root"

// Requires the root or the list that the format has; for lists the SHA-256 of the module.
HashFinding check_module(const HashedModule& module, const ModuleHashes& kernel);

// The root that most modules' proofs lead to, where more than one of them does.
std::optional<ModuleRoot> common_root(const std::vector<HashedModule>& modules);

}  // namespace assay
