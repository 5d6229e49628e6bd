#include "report/live_guard_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/name.h"
#include "guard/guard_programs.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

// "unknown" for 0.
std::string_view class_name(std::size_t number) {
  return read_class_name(static_cast<ReadClass>(number));
}

std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

bool is_decided(const GuardStatus& status, std::size_t number) {
  return status.stance(number) != GuardStance::off;
}

Json rows_of(const SelfTest& test) {
  Json rows = Json::array();
  for (const auto& row : test.rows)
    rows.push_back({{"test", row.name}, {"holds", or_null(row.holds)}, {"detail", row.detail}});
  return rows;
}

std::string last_refused(const GuardStatus& status) {
  return std::ranges::all_of(status.stats.last_refused, [](std::uint8_t byte) { return byte == 0; })
             ? ""
             : to_hex(status.stats.last_refused);
}

std::string list_name(const GuardStatus& status) {
  return {status.conf.list, ::strnlen(status.conf.list, sizeof status.conf.list)};
}

}  // namespace

std::string to_json(const GuardProbe& probe) {
  const KernelFacts& facts = probe.facts;
  Json trials = Json::array();
  for (const VariantTrial& trial : probe.trials)
    trials.push_back({{"variant", guard_variant_name(trial.variant)},
                      {"loads", trial.loads},
                      {"attaches", trial.attaches},
                      {"overlays", trial.with_overlays},
                      {"error", first_line(trial.error)}});
  return line({{"schema", "assay.guard-probe/1"},
               {"release", facts.release},
               {"machine", facts.machine},
               {"lsms", or_null(facts.lsms)},
               {"bpf_lsm", or_null(facts.has_bpf_lsm())},
               {"lockdown", facts.lockdown.empty() ? Json() : Json(facts.lockdown)},
               {"jit", or_null(facts.jit)},
               {"btf", facts.has_btf},
               {"variants", trials},
               {"modify_return", probe.modifiers},
               {"chosen", probe.chosen ? Json(guard_variant_name(*probe.chosen)) : Json()},
               {"because", first_line(probe.why)}});
}

std::string to_text(const GuardProbe& probe, const TextStyle& style) {
  const KernelFacts& facts = probe.facts;
  std::string text = fmt::format(
      "kernel       {} {}\nLSMs         {}\nlockdown     {}\nBTF          {}\nJIT          {}\n",
      facts.release, facts.machine,
      facts.lsms ? fmt::format("{}", fmt::join(*facts.lsms, ",")) : "not known",
      facts.lockdown.empty() ? "not known" : facts.lockdown, facts.has_btf ? "yes" : "no",
      facts.jit ? (*facts.jit != 0 ? "on" : "off") : "not known");
  for (const VariantTrial& trial : probe.trials)
    text += fmt::format(
        "{:<12} {}{}\n", guard_variant_name(trial.variant),
        trial.attaches ? "loads and is attached"
                       : (trial.loads ? "loads, and is not attached" : "is not taken"),
        trial.attaches ? (trial.with_overlays ? ", takes overlays" : ", takes no overlays")
                       : ": " + (style.verbose ? trial.error : first_line(trial.error)));
  for (const std::string& modifier : probe.modifiers)
    text += fmt::format("warning      a program answers in the place of {}\n", modifier);
  text += probe.chosen ? fmt::format("the guard works here, as {}: {}\n",
                                     guard_variant_name(*probe.chosen), first_line(probe.why))
                       : fmt::format("the guard does not work here: {}\n", first_line(probe.why));
  return text;
}

std::string to_json(const SelfTest& test) {
  return line(
      {{"schema", "assay.guard-self-test/1"}, {"passed", test.passed()}, {"tests", rows_of(test)}});
}

std::string to_text(const SelfTest& test) {
  std::string text;
  for (const auto& row : test.rows)
    text +=
        fmt::format("{:<11} {:<14} {}\n", row.holds ? (*row.holds ? "ok" : "FAILS") : "not tried",
                    row.name, row.detail);
  return text + (test.passed() ? "the guard is called, and answers\n"
                               : "the guard does NOT enforce anything here\n");
}

std::string to_json(const Armed& armed) {
  return line({{"schema", "assay.guard-armed/1"},
               {"armed", armed.test.passed()},
               {"variant", guard_variant_name(armed.variant.variant)},
               {"overlays", armed.variant.with_overlays},
               {"sealed", armed.sealed},
               {"tests", rows_of(armed.test)},
               {"modules_before", armed.modules_before}});
}

std::string to_text(const Armed& armed) {
  if (!armed.test.passed()) return to_text(armed.test) + "it is taken out again\n";
  std::string text = fmt::format("armed as {}{}\n", guard_variant_name(armed.variant.variant),
                                 armed.sealed ? ", sealed until the next boot" : "");
  if (!armed.modules_before.empty())
    text += fmt::format("gap: {} modules were loaded before, such as {}\n",
                        armed.modules_before.size(), armed.modules_before.front());
  return text;
}

std::string to_json(const GuardStatus& status) {
  Json classes = Json::array();
  for (std::size_t number = 0; number < kGuardClasses; ++number) {
    const auto& counts = status.stats.of_class[number];
    if (!is_decided(status, number)) continue;
    classes.push_back({{"class", class_name(number)},
                       {"mode", guard_stance_name(status.stance(number))},
                       {"allowed", counts.allowed},
                       {"missed", counts.missed},
                       {"denied", counts.denied},
                       {"no_digest", counts.no_digest}});
  }
  Json programs = Json::array();
  for (const LiveProgram& program : status.programs)
    programs.push_back({{"name", program.name},
                        {"id", program.id},
                        {"link", program.link_id},
                        {"runs", program.runs},
                        {"run_ns", program.run_ns}});
  const std::string refused = last_refused(status);
  return line({{"schema", "assay.guard-status/1"},
               {"effective", status.problems.empty()},
               {"problems", status.problems},
               {"variant", guard_variant_name(status.variant)},
               {"sealed", status.conf.sealed != 0},
               {"digests_of", status.is_body() ? "body" : "whole"},
               {"error", describe_errno(static_cast<int>(status.conf.error))},
               {"list", list_name(status)},
               {"rows", status.conf.rows},
               {"added", status.added},
               {"overlay_rows", status.stats.overlay_rows},
               {"overlay_serial", status.stats.overlay_serial},
               {"classes", classes},
               {"last_not_listed", refused.empty() ? Json() : Json(refused)},
               {"events_dropped", status.stats.dropped},
               {"attempts", status.stats.protected_},
               {"armed_at_ns", status.conf.armed},
               {"modules_before", status.conf.modules_before},
               {"programs", programs}});
}

std::string to_text(const GuardStatus& status) {
  std::string text =
      fmt::format("armed        {:.1f} s after boot, as {}, {}; {} modules were loaded before\n",
                  static_cast<double>(status.conf.armed) / 1e9, guard_variant_name(status.variant),
                  status.conf.sealed != 0 ? "sealed" : "not sealed", status.conf.modules_before);
  text += fmt::format("digests      {} of the {}, {} added, {} of overlays (serial {})\n",
                      status.conf.rows, status.is_body() ? "bodies of modules" : "whole files",
                      status.added, status.stats.overlay_rows, status.stats.overlay_serial);
  text += fmt::format("{:<18} {:<8} {:>10} {:>10} {:>10} {:>10}\n", "class", "mode", "allowed",
                      "missed", "denied", "no digest");
  for (std::size_t number = 0; number < kGuardClasses; ++number) {
    const auto& counts = status.stats.of_class[number];
    if (is_decided(status, number))
      text += fmt::format("{:<18} {:<8} {:>10} {:>10} {:>10} {:>10}\n", class_name(number),
                          guard_stance_name(status.stance(number)), counts.allowed, counts.missed,
                          counts.denied, counts.no_digest);
  }
  if (const std::string refused = last_refused(status); !refused.empty())
    text += fmt::format("last not listed: {}\n", refused);
  if (status.stats.protected_ != 0)
    text += fmt::format("{} attempts on the guard were refused\n", status.stats.protected_);
  if (status.stats.dropped != 0)
    text += fmt::format("{} events had no room (verdicts do not depend on them)\n",
                        status.stats.dropped);
  for (const std::string& problem : status.problems)
    text += fmt::format("NOT EFFECTIVE: {}\n", problem);
  return text;
}

std::string to_json(const GuardEvent& event) {
  Json json{{"schema", "assay.guard-event/1"},
            {"time_ns", event.time},
            {"verdict", event.verdict},
            {"pid", event.pid},
            {"uid", event.uid},
            {"command", event.command}};
  if (!event.attempt.empty()) {
    json["attempt"] = event.attempt;
    return line(json);
  }
  json["class"] = class_name(event.class_number);
  json["sha256"] = event.digest.empty() ? Json() : Json(event.digest);
  json["size"] = event.size;
  json["name"] = event.name.empty() ? Json() : Json(encode_name(event.name));
  json["inode"] = event.inode;
  json["device"] = fmt::format("{}:{}", event.device_major, event.device_minor);
  return line(json);
}

std::string to_text(const GuardEvent& event) {
  const std::string who =
      fmt::format("{} (pid {}, uid {})", encode_name(event.command), event.pid, event.uid);
  if (!event.attempt.empty())
    return fmt::format("{:<9} {} by {}\n", event.verdict, event.attempt, who);
  return fmt::format("{:<9} {} {} {} by {}\n", event.verdict, class_name(event.class_number),
                     event.name.empty() ? "-" : encode_name(event.name),
                     event.digest.empty() ? "no digest" : event.digest, who);
}

std::string to_prometheus(const GuardStatus& status) {
  std::string text;
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    text += fmt::format(
        "# HELP assay_guard_{0} {1}\n# TYPE assay_guard_{0} gauge\nassay_guard_{0} {2}\n", name,
        help, value);
  };
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    text += fmt::format(
        "# HELP assay_guard_{0} {1}\n# TYPE assay_guard_{0} counter\nassay_guard_{0} {2}\n", name,
        help, value);
  };
  gauge("effective", "1 where nothing is known to keep the guard from deciding",
        status.problems.empty() ? 1 : 0);
  gauge("sealed", "1 where it stays until the next boot", status.conf.sealed != 0 ? 1 : 0);
  gauge("digests", "digests that are listed",
        static_cast<double>(status.conf.rows + status.added + status.stats.overlay_rows));
  gauge("overlay_serial", "serial of the last overlay that was taken",
        static_cast<double>(status.stats.overlay_serial));
  gauge("armed_seconds", "since boot, when it was armed",
        static_cast<double>(status.conf.armed) / 1e9);
  gauge("modules_before", "modules loaded before it was armed", status.conf.modules_before);
  text +=
      "# HELP assay_guard_reads_total files and buffers by class and verdict\n"
      "# TYPE assay_guard_reads_total counter\n";
  for (std::size_t number = 1; number < kGuardClasses; ++number) {
    const auto& counts = status.stats.of_class[number];
    for (const auto& [verdict, count] : {std::pair{"allowed", counts.allowed},
                                         {"missed", counts.missed},
                                         {"denied", counts.denied}})
      text += fmt::format("assay_guard_reads_total{{class=\"{}\",verdict=\"{}\"}} {}\n",
                          class_name(number), verdict, count);
  }
  counter("events_dropped_total", "events that the ring buffer had no room for",
          status.stats.dropped);
  counter("attempts_total", "attempts on the guard that were refused", status.stats.protected_);
  return text;
}

}  // namespace assay
