// compare/compare_pair.h - two files of one path, compared.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "compare/comparison.h"

namespace assay {

// A's kernel images, by their paths.
using KeptImages = std::map<std::string, std::shared_ptr<const Content>>;

struct PairTools {
  RecordVerifier& verifier_a;
  RecordVerifier& verifier_b;
  const Shelf& shelf;  // of A's small files
  const KeptImages& images;
};

// Calls `done` once, now or when the verifiers finish: with nothing for files that are identical.
using PairDone = std::function<void(std::optional<Difference>)>;
void compare_pair(const SideFile& a, const TakenFile& b, const PairTools& tools, PairDone done);

// Where the canonical forms of two files begin to differ, and what lies there.
Result<void> find_first_difference(const Content& a, const Content& b, Difference& difference);

}  // namespace assay
