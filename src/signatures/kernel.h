// signatures/kernel.h - which kernel is asked: its version, its variant, its architecture.
//
// Kernel behaviour is data with ranges. The versions whose source was read and whose verdicts were
// recorded from booted kernels are the anchors. Versions compare by their first two numbers; stable
// releases belong to their anchor. A rule that is equal in two neighbouring anchors holds between
// them; one that differs is *unknown* there, until the version of its first commit is recorded.
// Beyond the newest anchor its rules are taken, unproven. Before the oldest nothing is known: every
// exploration names "kernel.version" as open (signatures/explore.h).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/truth.h"
#include "formats/arch.h"

namespace assay {

struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;
  friend auto operator<=>(const KernelVersion&, const KernelVersion&) = default;
};

inline constexpr KernelVersion kAnchor61{6, 1};
inline constexpr KernelVersion kAnchor612{6, 12};
inline constexpr KernelVersion kAnchor72{7, 2};
inline constexpr KernelVersion kAnchors[] = {kAnchor61, kAnchor612, kAnchor72};

constexpr bool is_before_anchors(KernelVersion version) { return version < kAnchor61; }
constexpr bool is_beyond_anchors(KernelVersion version) { return version > kAnchor72; }

std::string to_string(KernelVersion version);  // "6.12"
// Of "6.1.0-56-amd64", "6.12", "7.2.13+deb14-amd64".
std::optional<KernelVersion> find_kernel_version(std::string_view release);

// Whose patches the kernel carries. Only debian (and mainline, where its rule is the same) is
// proven by booted kernels; the others are from their public sources.
enum class Variant : std::uint8_t { mainline, debian, appended_kexec_sig, suse, fedora, ubuntu };
inline constexpr std::size_t kVariantCount = 6;

std::string_view variant_name(Variant variant);
std::optional<Variant> find_variant(std::string_view name);
// What a release string or banner gives away: Debian's, Ubuntu's, Fedora's and SUSE's naming of
// releases and versions. The compiler that a banner names is not looked at.
std::optional<Variant> guess_variant(std::string_view release_or_banner);

struct KernelId {
  KernelVersion version = kAnchor72;
  Variant variant = Variant::mainline;
  Arch arch = Arch::x86_64;
  friend bool operator==(const KernelId&, const KernelId&) = default;
};

// Where a rule holds: in which anchors, variants and architectures.
class Scope {
 public:
  constexpr Scope() = default;  // everywhere

  // From the anchor `first` on; `exact` is the version of the first commit, where it is recorded.
  static constexpr Scope since(KernelVersion first, std::optional<KernelVersion> exact = {}) {
    Scope scope;
    scope.first_ = first;
    scope.exact_first_ = exact;
    return scope;
  }
  // Up to the anchor `last`; `exact_end` is the first version without it, where it is recorded.
  static constexpr Scope until(KernelVersion last, std::optional<KernelVersion> exact_end = {}) {
    Scope scope;
    scope.last_ = last;
    scope.exact_end_ = exact_end;
    return scope;
  }
  constexpr Scope and_until(KernelVersion last, std::optional<KernelVersion> exact_end = {}) const {
    Scope scope = *this;
    scope.last_ = last;
    scope.exact_end_ = exact_end;
    return scope;
  }
  constexpr Scope in(Variant variant) const {
    Scope scope = *this;
    scope.variants_ = static_cast<std::uint8_t>(scope.variants_ == kAll ? 0 : scope.variants_);
    scope.variants_ =
        static_cast<std::uint8_t>(scope.variants_ | 1U << static_cast<unsigned>(variant));
    return scope;
  }
  constexpr Scope on(Arch arch) const {
    Scope scope = *this;
    scope.arches_ = static_cast<std::uint8_t>(scope.arches_ == kAll ? 0 : scope.arches_);
    scope.arches_ = static_cast<std::uint8_t>(scope.arches_ | 1U << static_cast<unsigned>(arch));
    return scope;
  }

  Truth covers(const KernelId& kernel) const;
  bool covers_anchor(KernelVersion anchor) const { return anchor >= first_ && anchor <= last_; }
  // The same for the last anchor that is not after `version`.
  bool covers_anchor_below(KernelVersion version) const;
  bool covers_variant(Variant variant) const {
    return (variants_ >> static_cast<unsigned>(variant) & 1U) != 0;
  }
  bool covers_arch(Arch arch) const { return (arches_ >> static_cast<unsigned>(arch) & 1U) != 0; }

  std::string describe() const;  // "6.12 to 7.2, debian"; empty for everywhere

 private:
  static constexpr std::uint8_t kAll = 0xFF;

  KernelVersion first_ = kAnchor61;
  KernelVersion last_ = kAnchor72;
  std::optional<KernelVersion> exact_first_;
  std::optional<KernelVersion> exact_end_;
  std::uint8_t variants_ = kAll;
  std::uint8_t arches_ = kAll;
};

}  // namespace assay
