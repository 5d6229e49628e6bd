#include "report/drift_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Value& value) {
  Json json{{"name", value.name}};
  if (!value.fingerprint.empty()) json["fingerprint"] = value.fingerprint;
  return json;
}

std::string text_of(const Value& value) {
  if (value.fingerprint.empty()) return fmt::format("\"{}\"", value.name);
  return fmt::format("\"{}\" {}", value.name, value.fingerprint);
}

// What is other than expected: "expected 3, found 4", "new "x" (2, such as a.ko), no longer "y"".
std::string difference(const Drift& drift) {
  if (!drift.is_determined)
    return fmt::format("expected {}, could not be found out: {}", drift.expected, drift.found);
  std::string text;
  for (const auto& [value, where] : drift.appeared)
    text += fmt::format("{}new {} ({}{})", text.empty() ? "" : ", ", text_of(value),
                        where.count == 1 ? "" : fmt::format("{}, such as ", where.count),
                        where.example);
  for (const Value& value : drift.missing)
    text += fmt::format("{}no longer {}", text.empty() ? "" : ", ", text_of(value));
  if (!text.empty()) return text;
  text = fmt::format("expected {}, found {}", drift.expected, drift.found);
  if (!drift.example.empty()) text += fmt::format(", such as {}", drift.example);
  return text;
}

}  // namespace

std::string to_json(const Drift& drift) {
  Json json{{"schema", "assay.drift/1"},
            {"key", drift.key},
            {"status", drift.is_determined ? "drift" : "undetermined"},
            {"expected", drift.expected},
            {"found", drift.is_determined ? Json(drift.found) : Json()},
            {"new", Json::array()},
            {"missing", Json::array()}};
  for (const auto& [value, where] : drift.appeared) {
    Json one = json_of(value);
    one["count"] = where.count;
    one["example"] = where.example;
    json["new"].push_back(std::move(one));
  }
  for (const Value& value : drift.missing) json["missing"].push_back(json_of(value));
  json["text"] = fmt::format("{}: {}", drift.key, difference(drift));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const Drift& drift, const TextStyle& style) {
  const std::string label =
      fmt::format("{:<12}", drift.is_determined ? "drift" : standing_name(Standing::undetermined));
  const std::string_view color = drift.is_determined ? "\x1b[31m" : "\x1b[33m";
  return fmt::format("{} {}: {}\n", style.color ? fmt::format("{}{}\x1b[0m", color, label) : label,
                     drift.key, difference(drift));
}

}  // namespace assay
