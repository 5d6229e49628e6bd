// report/hashes_plan_report.h - what it takes to load a module, as JSON and as text.

#pragma once

#include <string>

#include "survey/hashes_plan.h"

namespace assay {

// What the commands are written with.
struct PlanWords {
  std::string signer;    // "--key K --cert C"; empty: none was given
  std::string tree;      // the kernel's modules; empty: not given
  std::string write_to;  // where the new tree was written to; empty: it was not
};

// {"schema":"assay.module-plan/1",...}; docs/json.md. `new_root` is that of the tree with
// all modules of the plan in it.
std::string to_json(const ModulePlan& plan, const std::optional<ModuleRoot>& new_root,
                    const PlanWords& words);
std::string to_text(const ModulePlan& plan, const std::optional<ModuleRoot>& new_root,
                    const PlanWords& words);

}  // namespace assay
