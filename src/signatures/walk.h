// signatures/walk.h - one walk through the rules, in the kernel's order, and what it found.
//
// Code that mirrors a kernel function asks rule after rule and returns at the first that does not
// hold, as the function does. What cannot be known is *open*: the walk then takes one answer, notes
// the choice, and is walked again with the other (explore() in signatures/explore.h). A walk itself
// therefore always comes to an end, and never reads an open question as allowed.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/extent.h"
#include "signatures/rule.h"

namespace assay {

enum class Finding : std::uint8_t {
  holds,
  fails,
  skipped,
  open,  // could not be found out; the walk goes on as if it held
};
std::string_view finding_name(Finding finding);

// One rule applied to one artifact.
struct Step {
  const Rule* rule;
  Finding finding;
  Errno err;            // what the kernel carries from here on; none where the rule holds
  Extent where;         // the bytes looked at; empty where the platform decided
  std::string because;  // the values compared: "id_type 1, expected 2"
  std::string log;      // what the kernel prints here
  // The step whose failure this one passes on as an error of its own; -1: none.
  std::int32_t cause = -1;
};

// The steps from `step` down to the one that it all comes from.
std::vector<const Step*> causes_of(const std::vector<Step>& steps, std::int32_t step);

// A rule's log line with its %u and %s replaced, in order.
std::string fill_log(const Rule& rule, std::initializer_list<std::string> values);

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
    return record(rule, finding_of(holds), where, because(), {});
  }
  // A rule whose log line has values; `log` returns it filled in.
  template <class Because, class Log>
  Outcome check(const Rule& rule, bool holds, Extent where, Because because, Log log) {
    if (holds && !explain_) return {};
    return record(rule, finding_of(holds), where, because(), holds ? std::string() : log());
  }
  Outcome check(const Rule& rule, bool holds, Extent where = {}) {
    return check(rule, holds, where, [] { return std::string(); });
  }
  // A rule whose answer may be open; `key` names what would have to be known.
  template <class Because>
  Outcome check(const Rule& rule, Truth holds, std::string_view key, Because because,
                std::string log = {}) {
    if (!applies(rule)) return {};
    const bool answer = settle(holds, key);
    const Finding finding = holds == Truth::unknown && answer ? Finding::open : finding_of(answer);
    return record(rule, finding, {}, finding == Finding::open ? std::string(key) : because(),
                  std::move(log));
  }
  // A rule that does not hold, already known to be one of this kernel.
  Outcome refuse(const Rule& rule, Extent where, std::string because, std::string log = {}) {
    return record(rule, Finding::fails, where, std::move(because), std::move(log));
  }
  // Notes that `outer` passes on what `inner` found.
  Outcome because_of(Outcome outer, const Outcome& inner) {
    if (outer.failed()) steps_[static_cast<std::size_t>(outer.step)].cause = inner.step;
    return outer;
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
  static Finding finding_of(bool holds) { return holds ? Finding::holds : Finding::fails; }
  Outcome record(const Rule& rule, Finding finding, Extent where, std::string because,
                 std::string log);

  KernelId kernel_;
  std::vector<Choice> choices_;
  bool explain_;
  std::vector<Step> steps_;
};

}  // namespace assay
