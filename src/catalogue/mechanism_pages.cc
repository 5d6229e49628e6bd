#include "catalogue/mechanism_pages.h"

#include <fmt/format.h>

#include "catalogue/proofs.h"

namespace assay {

namespace {

// '|' ends a cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string kernels(const Rule& rule) {
  const std::string scope = rule.scope.describe();
  return scope.empty() ? "all" : scope;
}

// "6.1, 6.12, 7.2: 140 rows": where booted kernels gave this answer.
std::string proven(const Rule& rule) {
  const std::uint64_t rows = count_proofs(rule.id);
  return rows == 0 ? "unproven" : fmt::format("{}", rows);
}

std::string error_of(const Rule& rule) {
  if (rule.crashes) return "the kernel itself goes wrong";
  return rule.otherwise == Errno::none ? "as it stands" : std::string(errno_name(rule.otherwise));
}

constexpr std::string_view kKernelImages =
    R"(## What checks a kernel image, told apart

Five options are taken for one another. For an image that `kexec_file_load` is given:

| | CONFIG_KEXEC_SIG | `appraise func=KEXEC_KERNEL_CHECK` | CONFIG_IMA_ARCH_POLICY | CONFIG_IMA_APPRAISE_MODSIG | CONFIG_IMA_KEXEC |
|---|---|---|---|---|---|
| what it is | the loader of the architecture verifies the image's own signature | a rule of IMA's policy: the file is appraised before the loader sees it | rules that IMA adds by itself when the firmware's Secure Boot is on, and the switch that makes KEXEC_SIG and MODULE_SIG enforce | lets such a rule accept an appended signature (`appraise_type=imasig\|modsig`) | carries the measurement list over to the next kernel |
| verifies | x86, arm64: PE (Authenticode); s390: appended PKCS#7, where the machine was IPLed securely | `security.ima`: a signature, or a hash where the rule does not ask for one | nothing itself | appended PKCS#7 | nothing |
| architectures | x86_64, arm64, s390 | all | x86_64, arm64 (EFI), powerpc (device tree) | all | all but s390 |
| keys | `.secondary_trusted_keys` (which reaches `.builtin_trusted_keys` and `.machine`), then `.platform` | `.ima`, then `.platform` | those of what it switches on | `.ima`, then `.platform` | none |
| by itself it refuses | nothing: without enforcement every image loads, unsigned and badly signed ones too | in enforce mode, with EACCES | on x86 and arm64 nothing, unless KEXEC_SIG is off | nothing | nothing |
| it enforces with | CONFIG_KEXEC_SIG_FORCE (x86), IMA_ARCH_POLICY under Secure Boot, lockdown (EPERM) | `ima_appraise=enforce`, the default | Secure Boot | the rule | |
| the user sees | ENODATA, ENOKEY, EKEYREJECTED, ELIBBAD, ENOTSUPP (524), ...; EPERM under lockdown alone | EACCES and an audit record with `cause=` | | EACCES | |
| what it leaves out | the initrd; kexec_load | what no rule names: the initrd has a hook of its own (KEXEC_INITRAMFS_CHECK) | kexec_load is refused under Secure Boot with KEXEC_SIG (EACCES) | | |

On powerpc and riscv KEXEC_SIG does not exist: there an image is refused by IMA or not at all, and lockdown does not stop
`kexec_file_load`. A signature that IMA demands (`appraise_type=imasig`) takes the place of KEXEC_SIG under lockdown, where
CONFIG_INTEGRITY_TRUSTED_KEYRING is on.
)";

}  // namespace

std::string mechanism_page(const RuleTable& table) {
  std::string page = fmt::format(
      "# {}\n\nWritten by `assay rules --docs` from the tables that the judge walks; do not "
      "edit.\n\n"
      "{}\n\nRules in the kernel's order: the first that does not hold decides. \"Proven\" counts "
      "the "
      "recorded verdicts of booted\nkernels that the rule decided.\n\n"
      "| rule | kernel function | what must hold | otherwise | error | kernels | proven |\n"
      "|---|---|---|---|---|---|---|\n",
      table.title, table.text);
  for (const Rule* rule : table.rules)
    page += fmt::format("| `{}` | `{}` | {} | {} | {} | {} | {} |\n", rule->id, rule->site,
                        cell(rule->holds), cell(rule->fails), error_of(*rule), cell(kernels(*rule)),
                        proven(*rule));
  return page;
}

std::string mechanism_index() {
  std::string page =
      "# Mechanisms\n\nWritten by `assay rules --docs`; do not edit.\n\n"
      "| page | about |\n|---|---|\n";
  for (const RuleTable& table : all_rule_tables())
    page += fmt::format("| [{}]({}.md) | {} |\n", table.file, table.file, table.title);
  page += "| [boot](boot.md) | Firmware, shim and GRUB |\n";
  page +=
      "| [module_hashes](module_hashes.md) | MODULE_HASHES, for distributions: to adopt it or not "
      "|\n";
  return page + "\n" + std::string(kKernelImages);
}

}  // namespace assay
