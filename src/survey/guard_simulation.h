// survey/guard_simulation.h - what a kernel with a guard (and a policy of IPE) does with files,
// without one: the guard's answer, IPE's, and that of the kernel, in the order in which they come.
//
// What the kernel asks before a file is read (are modules disabled, are the flags known) comes
// first. IPE is asked before the bytes are read, the guard that hashes them after that; variant ima
// of the guard stands before IPE. Then come IMA, signatures and what else the judge knows.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guardlist/read_class.h"
#include "judge/guard.h"
#include "judge/ipe.h"
#include "survey/survey.h"

namespace assay {

struct GuardSimulationOptions {
  SurveyOptions survey;
  GuardState guard;
  std::optional<IpeState> ipe;
  // fs-verity of the files, which have the digests that it would give them; nothing: not known.
  std::optional<bool> has_fsverity;
  std::shared_ptr<const Platform> platform;  // nothing: the guard (and IPE) alone is asked
  KernelId kernel;      // whose hooks they are; the platform's, where there is one
  std::string syscall;  // as judge has them, for requests that they go with
  std::string flags;
};

enum class GuardStage : std::uint8_t { before, ipe, guard, kernel };
std::string_view guard_stage_name(GuardStage stage);  // "kernel, before the guard is asked"

struct StageVerdict {
  GuardStage stage;
  Verdict verdict;
  std::optional<ReasonReport> reason;
};

// Of one file.
struct GuardSimulation {
  std::string path;
  std::string request;  // "module"
  std::optional<Error> error;
  std::vector<StageVerdict> stages;  // up to the one that decides
  Decision decision = Decision::undetermined;
  Errno err = Errno::none;
  std::string taint;  // of a module that loads
};

Surveyed simulate_guard(const GuardSimulationOptions& options,
                        const std::function<void(const GuardSimulation&)>& report);

}  // namespace assay
