// report/drift_report.h - where artifacts are not as they were expected to be, as JSON and as text.

#pragma once

#include <string>

#include "expect/expectation.h"
#include "report/table.h"

namespace assay {

std::string to_json(const Drift& drift);  // "assay.drift/1"

// One line: "drift        modules.count: expected 4023, found 4022".
std::string to_text(const Drift& drift, const TextStyle& style);

}  // namespace assay
