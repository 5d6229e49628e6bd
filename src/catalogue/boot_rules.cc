#include "catalogue/boot_rules.h"

#include <fmt/format.h>

#include "judge/grub_appended.h"

namespace assay {

namespace {

constexpr const BootRule* kRules[] = {
#define BOOT_RULE(name, ...) &rules::pe_boot::name,
#include "judge/pe_boot.def"
#undef BOOT_RULE
#define BOOT_RULE(name, ...) &rules::grub_appended::name,
#include "judge/grub_appended.def"
#undef BOOT_RULE
};

}  // namespace

std::span<const BootRule* const> all_boot_rules() { return kRules; }

std::string_view mechanism_of(const BootRule& rule) { return rule.id.substr(0, rule.id.find('/')); }

std::string boot_rules_page() {
  std::string page =
      "# Firmware, shim and GRUB\n\nWritten by `assay rules --docs`; do not edit.\n\n"
      "What `assay verify --as firmware|shim|grub` goes by, in order: EDK2's "
      "DxeImageVerificationHandler, shim's verify_buffer, GRUB's\nverifier of appended signatures. "
      "Read from their sources; no machine was asked. "
      "[pe.md](../formats/pe.md) says how they differ from the kernel.\n\n"
      "| rule | function | what must hold | otherwise | status |\n|---|---|---|---|---|\n";
  for (const BootRule* rule : kRules)
    page += fmt::format("| `{}` | `{}` | {} | {} | {} |\n", rule->id, rule->site, rule->holds,
                        rule->fails, rule->status);
  return page;
}

}  // namespace assay
