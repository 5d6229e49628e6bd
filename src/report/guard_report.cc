#include "report/guard_report.h"

#include <fmt/format.h>

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

}  // namespace assay
