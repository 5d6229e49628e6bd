#include "report/doctor_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "judge/release_note.h"

#include "report/json.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kIndent = "             ";

constexpr Prognosis kInOrder[] = {Prognosis::loads, Prognosis::taints, Prognosis::rejected,
                                  Prognosis::unknown};

std::string label_of(Prognosis prognosis, const TextStyle& style) {
  std::string text = fmt::format("{:<12}", prognosis_name(prognosis));
  if (!style.color) return text;
  const char* color = prognosis == Prognosis::loads      ? "\x1b[32m"
                      : prognosis == Prognosis::rejected ? "\x1b[31m"
                                                         : "\x1b[33m";
  return color + text + "\x1b[0m";
}

// What the signature check itself did not like, where something behind it decides.
const Rule* cause_of(const Verdict& verdict) {
  const Rule* cause = verdict.deciding;
  for (const Step& step : verdict.steps)
    if (step.finding == Finding::fails && step.rule->mechanism() != "lockdown" &&
        step.rule->id != "module-sig/not-enforced")
      cause = step.rule;
  return cause;
}

std::string reason_lines(const JudgedModule& judged) {
  std::string text;
  if (judged.reason)
    text = fmt::format("{}{} [{}{}]\n", kIndent, judged.reason->text, judged.reason->id,
                       judged.reason->err == Errno::none
                           ? ""
                           : fmt::format(": {}", errno_name(judged.reason->err)));
  const Rule* cause = cause_of(judged.verdict);
  if (cause != nullptr && cause != judged.verdict.deciding)
    text += fmt::format("{}{} [{}]\n", kIndent, cause->fails, cause->id);
  return text;
}

std::string wants_text(const WantedKey& wants) {
  if (!wants.key_identifier.empty()) return "key identifier " + wants.key_identifier;
  if (wants.subject.empty())
    return fmt::format("a key issued by {}, serial {}", wants.issuer, wants.serial);
  return fmt::format("{}, issued by {}, serial {}", wants.subject, wants.issuer, wants.serial);
}

std::string holders_text(const Diagnosis& diagnosis) {
  if (diagnosis.held_by.empty()) return "in no keyring that is known, nor on this host";
  return fmt::format("in {}", fmt::join(diagnosis.held_by, ", "));
}

std::string noun_of(const Diagnosis& diagnosis) {
  return diagnosis.request == "kexec" ? "kernel image" : diagnosis.request;
}

}  // namespace

std::string to_json(const Diagnosis& diagnosis) {
  const JudgedModule& judged = diagnosis.judged;
  Json json = Json::parse(
      to_json(JudgedArtifact{diagnosis.request, judged.path, judged.platform, judged.rules,
                             judged.reason, judged.taint, judged.signature_err, judged.kernel,
                             judged.measured, judged.audited, judged.notes},
              judged.verdict));
  json["prognosis"] = prognosis_name(prognosis_of(judged.verdict));
  json["wants"] = nullptr;
  if (diagnosis.wants)
    json["wants"] = {{"subject", diagnosis.wants->subject},
                     {"issuer", diagnosis.wants->issuer},
                     {"serial", diagnosis.wants->serial},
                     {"key_identifier", diagnosis.wants->key_identifier}};
  json["held_by"] = diagnosis.held_by;
  json["fix"] = nullptr;
  if (diagnosis.fix)
    json["fix"] = {
        {"command", diagnosis.fix->command.empty() ? Json(nullptr) : Json(diagnosis.fix->command)},
        {"why", diagnosis.fix->why}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const Diagnosis& diagnosis, const TextStyle& style) {
  const JudgedModule& judged = diagnosis.judged;
  const Prognosis prognosis = prognosis_of(judged.verdict);
  std::string text = fmt::format("{} {}\n", label_of(prognosis, style), judged.path);
  if (prognosis != Prognosis::loads) text += reason_lines(judged);
  if (const std::string note = release_note(judged.verdict.steps); !note.empty())
    text += fmt::format("{}{}\n", kIndent, note);
  if (diagnosis.wants)
    text += fmt::format("{}wants {}: {}\n", kIndent, wants_text(*diagnosis.wants),
                        holders_text(diagnosis));
  if (diagnosis.fix) {
    const Fix& fix = *diagnosis.fix;
    text += fix.command.empty() ? fmt::format("{}{}\n", kIndent, fix.why)
                                : fmt::format("{}$ {}    ({})\n", kIndent, fix.command, fix.why);
  }
  if (style.verbose) text += steps_to_text(judged.verdict.steps);
  return text;
}

void add_to(Groups& groups, const Diagnosis& diagnosis, const TextStyle& style) {
  const Prognosis prognosis = prognosis_of(diagnosis.judged.verdict);
  Likeness likeness{label_of(prognosis, style), noun_of(diagnosis), {}};
  if (diagnosis.wants) likeness.rest = " signed by " + wants_text(*diagnosis.wants);
  if (prognosis == Prognosis::loads && release_note(diagnosis.judged.verdict.steps).empty()) {
    if (diagnosis.wants) likeness.rest += ", " + holders_text(diagnosis);
    groups.count(likeness);
    return;
  }
  const Rule* cause = cause_of(diagnosis.judged.verdict);
  if (cause != nullptr) likeness.rest += fmt::format(" [{}]", cause->id);
  // Alike are those that one kind of command helps.
  if (diagnosis.fix) {
    likeness.rest += ": " + diagnosis.fix->why;
    if (!diagnosis.fix->command.empty()) likeness.rest += "; $ " + diagnosis.fix->command;
  }
  groups.hold(likeness, to_text(diagnosis, style));
}

void DoctorSummary::add(Prognosis prognosis) {
  ++artifacts;
  ++counts[prognosis];
}

std::uint64_t DoctorSummary::count(Prognosis prognosis) const {
  const auto found = counts.find(prognosis);
  return found == counts.end() ? 0 : found->second;
}

std::string to_json(const DoctorSummary& summary) {
  Json json{{"schema", "assay.doctor-summary/1"}, {"artifacts", summary.artifacts}};
  for (const Prognosis prognosis : kInOrder)
    json[std::string(prognosis_name(prognosis))] = summary.count(prognosis);
  return json.dump();
}

std::string to_text(const DoctorSummary& summary) {
  std::string text = count_of(summary.artifacts, "artifact");
  std::string separator = ": ";
  for (const Prognosis prognosis : kInOrder) {
    if (summary.count(prognosis) == 0) continue;
    text += fmt::format("{}{} {}", separator, summary.count(prognosis), prognosis_name(prognosis));
    separator = ", ";
  }
  return text + '\n';
}

}  // namespace assay
