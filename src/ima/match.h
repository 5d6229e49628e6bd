// ima/match.h - which rules of the policy an event meets.
//
// Mirrors ima_match_rules, get_subaction and ima_match_policy (ima_policy.c). Measuring,
// appraising, auditing and hashing are decided apart, each by the first rule that matches; but what
// any of these rules requires counts for all of them.

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ima/event.h"
#include "ima/state.h"

namespace assay {

// How a rule was met, for explanations.
struct RuleTrial {
  enum class Kind : std::uint8_t {
    not_asked,  // its class is decided, or not asked for
    missed,     // a condition does not hold
    matched,
  };
  const PolicyRule* rule;
  Kind kind;
  std::string_view condition = {};  // missed: the first that does not hold, "fowner"
};

struct ImaMatch {
  ImaClasses actions;               // to be done
  std::uint32_t flags = 0;          // of all rules that matched, ima_flag::kAddedUp
  std::uint32_t allowed_algos = 0;  // appraise_algos= of the appraising rule
  std::optional<int> pcr;
  const ImaTemplate* tmpl = nullptr;  // nothing: the default
  // The appraising rule has no func=: the file is then appraised as one that is opened.
  bool as_file_check = false;
  const PolicyRule* appraising = nullptr;  // the rule that decided, either way

  bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
};

// Does the rule match? `missed` is then the condition that does not hold.
bool match_ima_rule(Walk& walk, const ImaRule& rule, const ImaEvent& event, const ImaFile& file,
                    std::string_view& missed);

// Asks the rules in force for those classes of `wanted` that the policy has. With `trials`, every
// rule is accounted for.
ImaMatch match_ima_policy(Walk& walk, const ImaState& state, const ImaClasses& wanted,
                          const ImaEvent& event, const ImaFile& file,
                          std::vector<RuleTrial>* trials = nullptr);

}  // namespace assay
