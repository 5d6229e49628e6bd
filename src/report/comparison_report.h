// report/comparison_report.h - what `assay compare` found, as JSON and as text.

#pragma once

#include <string>

#include "compare/comparison.h"
#include "report/table.h"

namespace assay {

std::string to_json(const Difference& difference);    // "assay.difference/1"
std::string to_json(const BuildVerdict& comparison);  // "assay.comparison/1"

// One line and what explains it; verbose: every record and its key.
std::string to_text(const Difference& difference, const TextStyle& style);
std::string to_text(const BuildVerdict& comparison);

}  // namespace assay
