#include "catalogue/proofs.h"

#include <algorithm>

namespace assay {

namespace {

constexpr Proof kProofs[] = {
#define PROOF(rule, major, minor, variant, arch, rows) \
  {rule, {major, minor}, Variant::variant, Arch::arch, rows},
#include "catalogue/proofs.def"
#undef PROOF
};

}  // namespace

std::span<const Proof> all_proofs() { return kProofs; }

std::uint64_t count_proofs(std::string_view rule) {
  std::uint64_t rows = 0;
  for (const Proof& proof : kProofs)
    if (proof.rule == rule) rows += proof.rows;
  return rows;
}

bool is_proven(const Rule* rule, std::string_view request, const KernelId& kernel) {
  // What others than these two have patched was not booted.
  if (kernel.variant != Variant::mainline && kernel.variant != Variant::debian) return false;
  const std::string allowed = std::string(request) + "/allowed";
  const std::string_view id = rule != nullptr ? rule->id : std::string_view(allowed);
  return std::ranges::any_of(kProofs, [&](const Proof& proof) {
    if (proof.rule != id || proof.anchor != kernel.version || proof.arch != kernel.arch)
      return false;
    if (proof.variant == kernel.variant) return true;
    return rule != nullptr && rule->scope.covers_variant(kernel.variant) &&
           rule->scope.covers_variant(proof.variant);
  });
}

}  // namespace assay
