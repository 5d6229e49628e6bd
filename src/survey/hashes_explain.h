// survey/hashes_explain.h - why modules are not those that a kernel was built with, and what would
// help: what packagers and builders on the mailing list came upon.

#pragma once

#include <string>
#include <vector>

#include "survey/hashes_check.h"

namespace assay {

// Modules as they may have been hashed: of the build tree, of a package that nobody stripped.
struct HashesReference {
  std::string name;
  ModuleOrder order;
  std::vector<HashedModule> modules;
};

struct ExplainFacts {
  const HashesReference* reference = nullptr;  // places and outlines are by it, where it is there
  bool is_build_tree = false;                  // the modules lie in one
  const Platform* platform = nullptr;          // the kernel and its state, as far as they are known
};

// What is the matter, in words; each with what would help.
struct HashDiagnosis {
  std::string id;  // "stripped"
  std::string text;
};
std::vector<HashDiagnosis> explain_hashes(const std::vector<HashedModule>& modules,
                                          const ModuleHashes& kernel, const ExplainFacts& facts);

}  // namespace assay
