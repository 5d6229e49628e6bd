#include "survey/kernel_choice.h"

#include <fmt/format.h>

namespace assay {

namespace {

// Others are from their public sources (signatures/kernel.h).
bool is_proven(Variant variant) {
  return variant == Variant::mainline || variant == Variant::debian;
}

// The version in a release or a banner.
std::optional<KernelVersion> version_in(std::string_view text) {
  constexpr std::string_view kPrefix = "Linux version ";
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  return find_kernel_version(text);
}

}  // namespace

KernelChoice choose_kernel(const KernelClues& clues) {
  KernelChoice choice;
  const auto version = clues.version ? clues.version : version_in(clues.release);
  choice.version_assumed = !version;
  choice.id.version = version.value_or(kAnchor72);
  choice.id.variant = guess_variant(clues.release).value_or(Variant::mainline);
  choice.arch_assumed = !clues.arch;
  choice.id.arch = clues.arch.value_or(Arch::x86_64);
  return choice;
}

bool KernelChoice::is_sure() const {
  return !version_assumed && !arch_assumed && !is_before_anchors(id.version) &&
         !is_beyond_anchors(id.version) && is_proven(id.variant);
}

std::string KernelChoice::describe() const {
  std::string text = to_string(id.version);
  if (is_beyond_anchors(id.version)) text += fmt::format(" as {},", to_string(kAnchor72));
  text += fmt::format(" {} {}", variant_name(id.variant), arch_name(id.arch));
  if (is_before_anchors(id.version)) text += ", unknown";
  if (is_beyond_anchors(id.version) || !is_proven(id.variant)) text += ", unproven";
  if (version_assumed) text += ", assumed: version";
  if (arch_assumed) text += version_assumed ? ", architecture" : ", assumed: architecture";
  return text;
}

}  // namespace assay
