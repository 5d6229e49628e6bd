// report/guard_report.h - lists and overlays of the guard, as JSON and as text.

#pragma once

#include <string>

#include "survey/guard_list_builder.h"
#include "survey/guard_signature.h"

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

}  // namespace assay
