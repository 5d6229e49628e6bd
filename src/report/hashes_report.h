// report/hashes_report.h - lists and trees of module hashes, as JSON, as C source and as text.

#pragma once

#include <string>

#include "survey/hashes_explain.h"

namespace assay {

struct BuiltHashes {
  ModuleHashesFormat format = ModuleHashesFormat::merkle_v5;
  std::uint64_t count = 0;
  std::optional<ModuleRoot> root;
  std::vector<FileSha256> list;
};

// {"schema":"assay.module-hashes/1",...}; docs/json.md.
std::string to_json(const BuiltHashes& built);
std::string to_text(const BuiltHashes& built);
// .tmp_module_hashes.c, as scripts/modules-merkle-tree (version 5) writes it, or the rows of a
// list.
std::string to_c_source(const BuiltHashes& built);

// A module of what was built.
struct BuiltModule {
  std::string name;  // of its line in modules.order
  const HashedModule& module;
  std::optional<ModuleProof> proof;  // of a tree
};
// {"schema":"assay.module-proof/1",...}
std::string to_json(const BuiltModule& built);
std::string to_text(const BuiltModule& built);

// {"schema":"assay.module-hash/1",...}: one module against the kernel.
std::string to_json(const HashedModule& module, HashFinding finding);
std::string to_text(const HashedModule& module, HashFinding finding);
std::string to_json(const HashDiagnosis& diagnosis);

}  // namespace assay
