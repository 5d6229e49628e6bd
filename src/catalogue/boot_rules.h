// catalogue/boot_rules.h - the rules of those who look at an image before Linux runs: firmware,
// shim, GRUB. `assay verify --as` goes by them. They come from reading sources: no row of a booted
// machine proves any.

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "judge/pe_boot.h"

namespace assay {

std::span<const BootRule* const> all_boot_rules();

// "firmware" of "firmware/digest".
std::string_view mechanism_of(const BootRule& rule);

// docs/mechanisms/boot.md
std::string boot_rules_page();

}  // namespace assay
