#include "report/edit_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string parts_text(const EditReport& report) {
  std::string text;
  for (const EditReport::Part& part : report.parts) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} ({} bytes)", part.name.empty() ? part.carrier : part.name, part.size);
  }
  return text;
}

}  // namespace

std::string to_json(const EditReport& report, std::string_view action, bool dry_run) {
  Json json{{"schema", "assay.edit/1"},
            {"action", action},
            {"path", report.path},
            {"status", edit_status_name(report.status)},
            {"output", report.output.empty() ? Json() : Json(report.output)},
            {"dry_run", dry_run},
            {"record", report.has_record},
            {"unsigned_sha256", report.digest.empty() ? Json() : Json(report.digest)},
            {"parts", Json::array()}};
  for (const EditReport::Part& part : report.parts) {
    Json item{{"carrier", part.carrier}, {"size", part.size}};
    if (!part.name.empty()) item["name"] = part.name;
    json["parts"].push_back(std::move(item));
  }
  json["notes"] = report.notes;
  json["reason"] =
      report.error
          ? Json{{"id", reason_id(report.error->reason)},
                 {"text",
                  describe(
                      Error{report.error->reason, report.error->where, report.error->detail, {}})}}
          : Json();
  return line(json);
}

std::string to_json(const EditSummary& summary, std::string_view action) {
  return line(Json{{"schema", "assay.edit-summary/1"},
                   {"action", action},
                   {"done", summary.done},
                   {"unchanged", summary.unchanged},
                   {"failed", summary.failed},
                   {"errors", summary.errors.size()}});
}

std::string to_text(const EditReport& report, std::string_view done, const TextStyle& style) {
  constexpr int kColumn = 12;
  std::string text;
  switch (report.status) {
    case EditStatus::done:
      text = fmt::format("{:<{}} {}: {}\n", done, kColumn, report.path, parts_text(report));
      break;
    case EditStatus::unchanged:
      text = fmt::format("{:<{}} {}\n", "unchanged", kColumn, report.path);
      break;
    case EditStatus::failed:
      text = fmt::format(
          "{:<{}} {}\n{:<{}} {} [{}]\n", "failed", kColumn, report.path, "", kColumn,
          describe(Error{report.error->reason, report.error->where, report.error->detail, {}}),
          reason_id(report.error->reason));
      break;
  }
  if (!style.verbose) return text;
  for (const std::string& note : report.notes)
    text += fmt::format("{:<{}} {}\n", "", kColumn, note);
  return text;
}

std::string to_text(const EditSummary& summary, std::string_view done) {
  return fmt::format("{} {}, {} unchanged, {} failed\n", summary.done, done, summary.unchanged,
                     summary.failed);
}

}  // namespace assay
