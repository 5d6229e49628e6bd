// ima/policy_explain.h - a policy and one event: rule by rule, which condition does not hold, and
// what comes of those that match.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ima/match.h"
#include "ima/policy_load.h"

namespace assay {

struct ExplainedRule {
  RuleOrigin origin = RuleOrigin::custom;
  unsigned number = 0;  // of a custom rule its line, of others its place in their policy; from 1
  std::string text;
  RuleTrial::Kind kind = RuleTrial::Kind::missed;
  std::string condition;  // missed: the first that does not hold, "fowner"
};

struct ExplainedPolicy {
  // Not taken by the kernel: the line, and what is wrong with it. Nothing else is then set.
  unsigned refused_line = 0;
  const Rule* refused_by = nullptr;
  std::vector<ExplainedRule> rules;  // all that are in force, in the kernel's order
  ImaClasses actions;
  std::vector<std::string> requirements;  // "a signature"; of all rules that match
  std::vector<std::string> open;          // what the answer depends on and is not known
};

// `policy` is loaded into the kernel of `setup` as the first custom one; without it, the rules in
// force after boot are asked. Conditions that the event and the file leave open are taken to hold,
// and named in `open` where that matters.
ExplainedPolicy explain_ima_policy(const KernelId& kernel, std::optional<std::string_view> policy,
                                   const ImaSetup& setup, const ImaEvent& event,
                                   const ImaFile& file);

// "appraised, required: a signature"; "nothing is done".
std::string describe_fate(const ExplainedPolicy& explained);

// What rules that matched require, in words.
std::vector<std::string> describe_requirements(std::uint32_t flags);

// A configuration in which everything that rules can name is there, for where none is given.
KernelConfig config_with_all_of_ima();

}  // namespace assay
