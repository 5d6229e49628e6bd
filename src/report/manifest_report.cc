#include "report/manifest_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/hex.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

Json describe(const ManifestEntry& entry) {
  Json item{{"path", entry.path}};
  item["mode"] = entry.mode ? Json(fmt::format("{:04o}", *entry.mode)) : Json();
  if (entry.canonical) {
    item["size"] = entry.canonical->size;
    item["sha256"] = to_hex(View(entry.canonical->sha256).bytes());
  } else {
    item["what"] = entry.description;
  }
  item["records"] = entry.records;
  return item;
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  Json json{{"schema", "assay.manifest/1"},
            {"path", manifest.path},
            {"sha256", manifest.sha256},
            {"entries", Json::array()}};
  for (const ManifestEntry& entry : manifest.entries) json["entries"].push_back(describe(entry));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_digest_line(const Manifest& manifest) {
  return fmt::format("{}  {}\n", manifest.sha256, manifest.path);
}

std::string to_text(const Manifest& manifest) {
  std::string text;
  for (const ManifestEntry& entry : manifest.entries) text += to_line(entry);
  return text;
}

}  // namespace assay
