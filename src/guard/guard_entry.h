// guard/guard_entry.h - what the guard is armed with: digests, and how each class is treated.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guardlist/read_class.h"

namespace assay {

// Ids of what a file is read as (guardlist/read_class.h), 0 for none.
inline constexpr std::size_t kGuardClasses = 8;

// How a class is treated: not looked at, only reported, refused where it is not listed.
enum class GuardStance : std::uint8_t { off, audit, enforce };
std::string_view guard_stance_name(GuardStance mode);
std::optional<GuardStance> find_guard_stance(std::string_view name);

// How the programs know what is loaded (guard/bpf/guard.bpf.c).
enum class GuardVariant : std::uint8_t { buffer, cast, ima };
std::string_view guard_variant_name(GuardVariant variant);
std::optional<GuardVariant> find_guard_variant(std::string_view name);

struct GuardEntry {
  std::array<std::uint8_t, 32> digest{};  // SHA-256
  ReadMask mask = 0;                      // all that it may be read as
  std::uint32_t source = 0;               // the caller's number of where it comes from
};

struct GuardOptions {
  std::array<GuardStance, kGuardClasses> modes{};
  std::uint32_t error = 129;            // EPERM (1), EACCES (13) or EKEYREJECTED
  bool body = false;                    // modules: without their appended signature
  std::uint32_t keyrings = 0;           // bit n: overlays signed by system keyring n are taken
  std::string list_name;                // at most 63 bytes; overlays name it
  std::optional<GuardVariant> variant;  // nothing: the best that this kernel takes
  bool seal = false;
};

}  // namespace assay
