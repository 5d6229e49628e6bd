// report/guard_report.h - lists and overlays of the guard, as JSON and as text.

#pragma once

#include <string>

#include "survey/guard_explain.h"
#include "survey/guard_list_builder.h"
#include "survey/guard_signature.h"
#include "survey/guard_simulation.h"

namespace assay {

// {"schema":"assay.guard-list/1",...}; docs/json.md. `sha256` is that of the text.
std::string to_json(const BuiltGuardList& built, const std::string& sha256);
std::string to_text(const BuiltGuardList& built, const std::string& sha256);

// An overlay and, where it was asked for, what its signature is worth; `path` as printed.
struct OverlayReport {
  std::string path;
  const Overlay& overlay;
  const ArtifactReport* signature = nullptr;
};
// {"schema":"assay.guard-overlay/1",...}
std::string to_json(const OverlayReport& report);
std::string to_text(const OverlayReport& report);

// Does the guard note it, and let it pass (audit)?
bool has_miss(const GuardSimulation& simulation);
// {"schema":"assay.guard-simulation/1",...}
std::string to_json(const GuardSimulation& simulation);
std::string to_text(const GuardSimulation& simulation);

// {"schema":"assay.guard-explanation/1",...}
std::string to_json(const GuardExplanation& explanation);
std::string to_text(const GuardExplanation& explanation);

}  // namespace assay
