#include "guard/guard_status.h"

#include <algorithm>

#include "guard/guard_programs.h"
#include "guard/kernel_facts.h"

namespace assay {

namespace {

bool has_program(const GuardStatus& status, std::string_view name) {
  return std::ranges::any_of(status.programs, [&](const LiveProgram& program) {
    return program.name == name && program.link_id != 0;
  });
}

GuardVariant variant_of(const GuardStatus& status) {
  if (has_program(status, "cast_post_read")) return GuardVariant::cast;
  return has_program(status, "ima_read") ? GuardVariant::ima : GuardVariant::buffer;
}

void find_problems(GuardStatus& status) {
  const KernelFacts facts = read_kernel_facts();
  if (facts.has_bpf_lsm() == false)
    status.problems.emplace_back(
        "bpf is not in the kernel's list of LSMs (lsm=): the programs are never called");
  for (const std::string& name : programs_of(status.variant, false))
    if (!has_program(status, name)) status.problems.push_back(name + " is not attached");
  const auto modifiers = find_return_modifiers(link_ids(status.programs));
  if (!modifiers) {
    status.problems.push_back("other programs cannot be listed: " + modifiers.error().detail);
    return;
  }
  for (const std::string& name : *modifiers)
    status.problems.push_back("a program answers in the place of " + name);
}

}  // namespace

Result<GuardStatus> read_guard_status() {
  ASSAY_TRY(const LiveGuard guard, LiveGuard::open());
  GuardStatus status;
  ASSAY_TRY(status.conf, guard.conf());
  ASSAY_TRY(status.stats, guard.stats());
  ASSAY_TRY(status.programs, guard.programs());
  ASSAY_TRY(status.added, guard.added_count());
  status.variant = variant_of(status);
  find_problems(status);
  return status;
}

}  // namespace assay
