// report/policy_report.h - what a kernel makes of the lines of an IMA policy, as JSON and as text.

#pragma once

#include <string>

#include "ima/policy_check.h"
#include "ima/policy_explain.h"
#include "report/table.h"

namespace assay {

std::string to_json(const CheckedPolicyLine& line,
                    const std::string& path);  // "assay.policy-line/1"
std::string to_text(const CheckedPolicyLine& line, const std::string& path, const TextStyle& style);

// Whose parser it was: the version, and who says so.
struct PolicyParser {
  KernelId kernel;
  std::string from;  // "the configuration"
};
// The policy as a whole, last.
std::string to_json(const CheckedPolicy& checked, const std::string& path,
                    const PolicyParser& parser);  // "assay.policy-summary/1"
std::string to_text(const CheckedPolicy& checked, const std::string& path,
                    const PolicyParser& parser);

// What two policies, or two kernels, do otherwise with one file.
struct PolicyDifference {
  std::string path;
  ImaHook hook;
  std::string first;
  std::string second;
};
std::string to_json(const PolicyDifference& difference);  // "assay.policy-difference/1"
std::string to_text(const PolicyDifference& difference);

// One "assay.policy-rule/1" a rule, then one "assay.policy-answer/1".
std::string to_json(const ExplainedPolicy& explained, const std::string& path, ImaHook hook);
std::string to_text(const ExplainedPolicy& explained, const std::string& path, ImaHook hook);

}  // namespace assay
