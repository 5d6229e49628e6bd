// catalogue/proofs.h - which rules decided verdicts that booted kernels gave.
//
// The counts are those of a replay of recorded verdicts (tests/golden), kept in proofs.def. A
// request that was allowed counts under its name, "module/allowed".

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "signatures/rule.h"

namespace assay {

struct Proof {
  std::string_view rule;
  KernelVersion anchor;
  Variant variant;
  Arch arch;
  std::uint32_t rows;  // recorded verdicts that it decided
};

std::span<const Proof> all_proofs();

// Recorded verdicts of all kernels that `rule` decided.
std::uint64_t count_proofs(std::string_view rule);

// Does a verdict that `rule` decides (nullptr: the request `request` is allowed) rest on a booted
// kernel of this anchor and architecture: of this variant, or of one whose source has the same
// rule?
bool is_proven(const Rule* rule, std::string_view request, const KernelId& kernel);

}  // namespace assay
