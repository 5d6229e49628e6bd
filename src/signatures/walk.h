// signatures/walk.h - one walk through the rules, in the kernel's order, and what it found.
//
// Code that mirrors a kernel function asks rule after rule and returns at the first that does not
// hold, as the function does. What cannot be known is *open*: the walk then takes one answer, notes
// the choice, and is walked again with the other (explore() in signatures/explore.h). A walk itself
// therefore always comes to an end, and never reads an open question as allowed.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/extent.h"
#include "signatures/rule.h"

namespace assay {

enum class Finding : std::uint8_t { holds, fails, skipped };
std::string_view finding_name(Finding finding);

// One rule applied to one artifact.
struct Step {
  const Rule* rule;
  Finding finding;
  Errno err;            // what the kernel carries from here on; none where the rule holds
  Extent where;         // the bytes looked at; empty where the platform decided
  std::string because;  // the values compared: "id_type 1, expected 2"
  std::string log;      // what the kernel prints here
};

// What a kernel function returns: an error number, and the step that made it.
struct [[nodiscard]] Outcome {
  Errno err = Errno::none;
  std::int32_t step = -1;
  bool crash = false;

  bool failed() const { return err != Errno::none || crash; }
  friend bool operator==(const Outcome& a, const Outcome& b) {
    return a.err == b.err && a.crash == b.crash;
  }
};

// A question that the platform (or libcrypto) leaves open, and the answer tried in this walk.
struct Choice {
  std::string key;  // "state.lockdown", "kernel.version", "libcrypto: ML-DSA-65"
  bool answer;
};

class Walk {
 public:
  // `choices` are the answers to try first; the walk adds those it needs beyond them. With
  // `explain`, rules that hold are recorded too.
  Walk(const KernelId& kernel, std::vector<Choice> choices, bool explain)
      : kernel_(kernel), choices_(std::move(choices)), explain_(explain) {}

  const KernelId& kernel() const { return kernel_; }
  bool explains() const { return explain_; }

  // Applies a rule: none where it holds or is not a rule of this kernel. `because` is called only
  // when its text is kept; it returns a string.
  template <class Because>
  Outcome check(const Rule& rule, bool holds, Extent where, Because because) {
    if (holds && !explain_) return {};
    return record(rule, holds, where, because(), {});
  }
  Outcome check(const Rule& rule, bool holds, Extent where = {}) {
    return check(rule, holds, where, [] { return std::string(); });
  }
  // A rule whose answer may be open; `key` names what would have to be known.
  template <class Because>
  Outcome check(const Rule& rule, Truth holds, std::string_view key, Because because,
                std::string log = {}) {
    if (!applies(rule)) return {};
    return record(rule, settle(holds, key), {}, because(), std::move(log));
  }
  // A rule that does not hold, already known to be one of this kernel.
  Outcome refuse(const Rule& rule, Extent where, std::string because, std::string log = {}) {
    return record(rule, false, where, std::move(because), std::move(log));
  }

  // Is this a rule of the kernel asked about? Between anchors that differ, "kernel.version" is
  // open.
  bool applies(const Rule& rule) { return covers(rule.scope); }
  bool covers(const Scope& scope);
  // A truth value, or for what is open the answer chosen for `key` in this walk.
  bool settle(Truth value, std::string_view key);

  const std::vector<Step>& steps() const { return steps_; }
  std::vector<Step> release_steps() && { return std::move(steps_); }
  const std::vector<Choice>& choices() const { return choices_; }

 private:
  Outcome record(const Rule& rule, bool holds, Extent where, std::string because, std::string log);

  KernelId kernel_;
  std::vector<Choice> choices_;
  bool explain_;
  std::vector<Step> steps_;
};

}  // namespace assay
