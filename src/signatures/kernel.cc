#include "signatures/kernel.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace assay {

namespace {

constexpr std::array<std::string_view, kVariantCount> kVariantNames = {
    "mainline", "debian", "appended-kexec-sig", "suse", "fedora", "ubuntu"};

// The anchors between which `version` lies; the same one twice when it is one of them or outside.
struct Neighbours {
  KernelVersion below;
  KernelVersion above;
};

Neighbours neighbours(KernelVersion version) {
  if (version <= kAnchors[0]) return {kAnchors[0], kAnchors[0]};
  for (std::size_t i = 1; i < std::size(kAnchors); ++i) {
    if (version == kAnchors[i]) return {kAnchors[i], kAnchors[i]};
    if (version < kAnchors[i]) return {kAnchors[i - 1], kAnchors[i]};
  }
  return {kAnchor72, kAnchor72};
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// "Linux version RELEASE (BUILDER) (COMPILER) #VERSION": linux_banner (init/version.c); without the
// compiler in a bzImage's header. The compiler's text names the distribution that it is of, not
// that of the kernel.
struct Banner {
  std::string_view release;
  std::string_view builder;
  std::string_view version;
};

Banner split_banner(std::string_view text) {
  constexpr std::string_view kPrefix = "Linux version ";
  Banner banner;
  if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
  if (const auto at = text.starts_with('#') ? 0 : text.rfind(" #"); at != text.npos) {
    banner.version = text.substr(at);
    text = text.substr(0, at);
  }
  banner.release = text.substr(0, text.find(' '));
  if (const auto open = text.find(" ("); open != text.npos) {
    const std::string_view rest = text.substr(open + 2);
    banner.builder = rest.substr(0, rest.find(')'));
  }
  return banner;
}

// Is there `part`, and a digit behind it: ".fc41", ".el9".
bool contains_numbered(std::string_view text, std::string_view part) {
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) {
    const std::string_view rest = text.substr(at + part.size());
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return true;
  }
  return false;
}

// Debian: "6.1.0-56-amd64", "6.12.117+deb12-amd64".
std::optional<Variant> guess_variant_of_release(std::string_view release) {
  if (contains_numbered(release, "+deb")) return Variant::debian;
  if (contains_numbered(release, ".fc") || contains_numbered(release, ".el"))
    return Variant::fedora;
  for (const std::string_view flavour :
       {"-amd64", "-arm64", "-powerpc64le", "-s390x", "-686", "-riscv64"})
    if (release.ends_with(flavour)) return Variant::debian;
  for (const std::string_view flavour : {"-generic", "-lowlatency"})
    if (contains(release, flavour)) return Variant::ubuntu;
  if (contains(release, "-default")) return Variant::suse;
  return std::nullopt;
}

}  // namespace

std::string to_string(KernelVersion version) {
  return fmt::format("{}.{}", version.major, version.minor);
}

std::optional<KernelVersion> find_kernel_version(std::string_view release) {
  KernelVersion version;
  const char* end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  if (minor.ec != std::errc()) return std::nullopt;
  return version;
}

std::string_view variant_name(Variant variant) {
  return kVariantNames[static_cast<std::size_t>(variant)];
}

std::optional<Variant> find_variant(std::string_view name) {
  for (std::size_t i = 0; i < kVariantCount; ++i)
    if (kVariantNames[i] == name) return static_cast<Variant>(i);
  return std::nullopt;
}

std::optional<Variant> guess_variant(std::string_view text) {
  const Banner banner = split_banner(text);
  // KBUILD_BUILD_VERSION and its timestamp: "#1 SMP Debian 6.1.192-2", "#31-Ubuntu SMP".
  if (contains(banner.version, " Debian ") || banner.builder == "debian-kernel@lists.debian.org")
    return Variant::debian;
  if (contains(banner.version, "-Ubuntu ")) return Variant::ubuntu;
  return guess_variant_of_release(banner.release);
}

Truth Scope::covers(const KernelId& kernel) const {
  if (!covers_variant(kernel.variant) || !covers_arch(kernel.arch)) return Truth::no;
  const auto [below, above] = neighbours(kernel.version);
  const bool at_below = covers_anchor(below);
  if (at_below == covers_anchor(above)) return truth(at_below);
  // Between two anchors that differ: only a recorded boundary decides.
  if (!at_below) return exact_first_ ? truth(kernel.version >= *exact_first_) : Truth::unknown;
  return exact_end_ ? truth(kernel.version < *exact_end_) : Truth::unknown;
}

bool Scope::covers_anchor_below(KernelVersion version) const {
  return covers_anchor(neighbours(version).below);
}

std::string Scope::describe() const {
  std::string text;
  if (first_ != kAnchor61 && last_ != kAnchor72)
    text = fmt::format("{} to {}", to_string(first_), to_string(last_));
  else if (first_ != kAnchor61)
    text = fmt::format("since {}",
                       exact_first_ ? to_string(*exact_first_) : "at most " + to_string(first_));
  else if (last_ != kAnchor72)
    text = fmt::format("until {}", exact_end_ ? "before " + to_string(*exact_end_)
                                              : "at least " + to_string(last_));
  const auto add = [&text](std::string_view name) {
    if (!text.empty()) text += ", ";
    text += name;
  };
  if (variants_ != kAll)
    for (std::size_t i = 0; i < kVariantCount; ++i)
      if (covers_variant(static_cast<Variant>(i))) add(kVariantNames[i]);
  if (arches_ != kAll)
    for (const Arch arch : {Arch::x86_64, Arch::arm64, Arch::s390x, Arch::ppc64le, Arch::riscv64})
      if (covers_arch(arch)) add(arch_name(arch));
  return text;
}

}  // namespace assay
