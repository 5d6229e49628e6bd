// report/policy_report.h - what a kernel makes of the lines of an IMA policy, as JSON and as text.

#pragma once

#include <string>

#include "ima/policy_check.h"
#include "report/table.h"

namespace assay {

std::string to_json(const CheckedPolicyLine& line,
                    const std::string& path);  // "assay.policy-line/1"
std::string to_text(const CheckedPolicyLine& line, const std::string& path, const TextStyle& style);

}  // namespace assay
