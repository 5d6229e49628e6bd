#include "report/guard_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hex.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string to_json(const BuiltGuardList& built, const std::string& sha256) {
  Json json;
  json["schema"] = "assay.guard-list/1";
  json["name"] = built.list.name;
  json["serial"] = built.list.serial;
  json["mode"] = guard_mode_name(built.list.mode);
  json["classes"] = read_mask_text(built.list.classes);
  json["files"] = built.files;
  json["digests"] = built.list.rows.size();
  json["sha256"] = sha256;
  Json other = Json::object();
  for (const auto& [what, count] : built.other) other[read_class_name(what)] = count;
  json["not_listed"] = other;
  return json.dump();
}

std::string to_text(const BuiltGuardList& built, const std::string& sha256) {
  std::string text = fmt::format("{}: {} digests of {} files, sha256:{}\n", built.list.name,
                                 built.list.rows.size(), built.files, sha256);
  for (const auto& [what, count] : built.other)
    text +=
        fmt::format("  {} of class {} are not listed, and not decided by this list (--classes)\n",
                    count, read_class_name(what));
  return text;
}

std::string to_json(const OverlayReport& report) {
  Json json;
  json["schema"] = "assay.guard-overlay/1";
  json["path"] = report.path;
  json["list"] = report.overlay.list;
  json["serial"] = report.overlay.serial;
  if (report.signature != nullptr) {
    json["standing"] = standing_name(report.signature->standing);
    if (report.signature->trust) json["trust"] = report.signature->trust->name;
    if (report.signature->reason) json["reason"] = report.signature->reason->text;
  }
  Json rows = Json::array();
  for (const OverlayRow& row : report.overlay.rows)
    rows.push_back({{"digest", to_hex(row.digest)}, {"classes", read_mask_text(row.mask)}});
  json["rows"] = std::move(rows);
  return json.dump();
}

std::string to_text(const OverlayReport& report) {
  std::string text =
      fmt::format("{}: {} digests for list {}, serial {}", report.path, report.overlay.rows.size(),
                  report.overlay.list, report.overlay.serial);
  if (report.signature == nullptr) {
    text += '\n';
    for (const OverlayRow& row : report.overlay.rows)
      text += fmt::format("  {} {}\n", to_hex(row.digest), read_mask_text(row.mask));
    return text;
  }
  text += fmt::format(", {}", standing_name(report.signature->standing));
  if (report.signature->trust) text += fmt::format(" ({})", report.signature->trust->name);
  if (report.signature->reason) text += fmt::format(": {}", report.signature->reason->text);
  return text + '\n';
}

namespace {

bool is_miss(const StageVerdict& stage) {
  return stage.verdict.decision == Decision::allowed_unverified &&
         stage.verdict.deciding != nullptr;
}

// "the kernel then refuses with EPERM: ...".
std::string words_of(const StageVerdict& stage, bool is_first, const std::string& taint) {
  const std::string who =
      fmt::format("{}{}", guard_stage_name(stage.stage), is_first ? "" : " then");
  const std::string why = stage.reason ? ": " + stage.reason->text : std::string();
  switch (stage.verdict.decision) {
    case Decision::refused:
      return fmt::format("{} refuses with {}{}", who, errno_name(stage.verdict.err), why);
    case Decision::undetermined: return fmt::format("{} cannot be foretold{}", who, why);
    case Decision::crashes: return fmt::format("{} goes wrong{}", who, why);
    case Decision::allowed_tainted: return fmt::format("{} loads it, tainted {}", who, taint);
    case Decision::allowed: return fmt::format("{} allows", who);
    case Decision::allowed_unverified: break;
  }
  if (stage.stage == GuardStage::kernel) return fmt::format("{} allows it unverified{}", who, why);
  return is_miss(stage) ? fmt::format("{} would refuse, and only notes it{}", who, why)
                        : fmt::format("{} does not decide", who);
}

}  // namespace

bool has_miss(const GuardSimulation& simulation) {
  return std::ranges::any_of(simulation.stages, is_miss);
}

std::string to_json(const GuardSimulation& simulation) {
  Json json;
  json["schema"] = "assay.guard-simulation/1";
  json["path"] = simulation.path;
  json["request"] = simulation.request;
  json["decision"] = decision_name(simulation.decision);
  json["errno"] = errno_name(simulation.err);
  if (!simulation.taint.empty()) json["taint"] = simulation.taint;
  if (simulation.error) json["error"] = describe(*simulation.error);
  Json stages = Json::array();
  for (const StageVerdict& stage : simulation.stages) {
    Json one;
    one["stage"] = stage.stage == GuardStage::before  ? "before"
                   : stage.stage == GuardStage::ipe   ? "ipe"
                   : stage.stage == GuardStage::guard ? "guard"
                                                      : "kernel";
    one["decision"] = decision_name(stage.verdict.decision);
    one["errno"] = errno_name(stage.verdict.err);
    if (stage.verdict.deciding != nullptr) one["rule"] = stage.verdict.deciding->id;
    if (stage.reason) one["text"] = stage.reason->text;
    if (!stage.verdict.open.empty()) one["open"] = stage.verdict.open;
    stages.push_back(std::move(one));
  }
  json["stages"] = std::move(stages);
  return json.dump();
}

std::string to_text(const GuardSimulation& simulation) {
  if (simulation.error) return describe(*simulation.error) + '\n';
  std::string text = simulation.path + ": ";
  for (std::size_t i = 0; i < simulation.stages.size(); ++i)
    text += (i == 0 ? "" : "; ") + words_of(simulation.stages[i], i == 0, simulation.taint);
  return text + '\n';
}

std::string to_json(const GuardExplanation& explanation) {
  Json json;
  json["schema"] = "assay.guard-explanation/1";
  json["what"] = explanation.what;
  json["listed"] = explanation.is_listed;
  Json said = Json::array();
  for (const GuardDiagnosis& one : explanation.said)
    said.push_back({{"id", one.id}, {"text", one.text}});
  json["said"] = std::move(said);
  return json.dump();
}

std::string to_text(const GuardExplanation& explanation) {
  std::string text = explanation.what + '\n';
  for (const GuardDiagnosis& one : explanation.said) text += fmt::format("  {}\n", one.text);
  return text;
}

}  // namespace assay
