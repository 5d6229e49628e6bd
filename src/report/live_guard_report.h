// report/live_guard_report.h - what is said of the guard of the running kernel (docs/guard.md).

#pragma once

#include <string>

#include "guard/arm.h"
#include "guard/guard_status.h"
#include "report/table.h"

namespace assay {

std::string to_json(const GuardProbe& probe);  // "assay.guard-probe/1"
std::string to_text(const GuardProbe& probe, const TextStyle& style);
std::string to_json(const SelfTest& test);  // "assay.guard-self-test/1"
std::string to_text(const SelfTest& test);
std::string to_json(const Armed& armed);  // "assay.guard-armed/1"
std::string to_text(const Armed& armed);
std::string to_json(const GuardStatus& status);  // "assay.guard-status/1"
std::string to_text(const GuardStatus& status);
std::string to_json(const GuardEvent& event);  // "assay.guard-event/1"
std::string to_text(const GuardEvent& event);
// The text format of Prometheus, version 0.0.4.
std::string to_prometheus(const GuardStatus& status);

}  // namespace assay
