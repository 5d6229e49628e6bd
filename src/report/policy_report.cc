#include "report/policy_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/name.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string to_json(const CheckedPolicyLine& line, const std::string& path) {
  const bool known = line.accepted != Truth::unknown;
  Json json{{"schema", "assay.policy-line/1"}, {"path", path}, {"line", line.number}};
  json["accepted"] = known ? Json(line.accepted == Truth::yes) : Json(nullptr);
  json["errno"] = known ? Json(errno_name(line.err)) : Json(nullptr);
  json["errno_number"] = known ? Json(errno_number(line.err)) : Json(nullptr);
  json["text"] = line.text;
  if (line.decides != nullptr) {
    json["rule"] = line.decides->id;
    json["kernel_function"] = line.decides->site;
    json["must_hold"] = line.decides->holds;
    json["fails"] = line.decides->fails;
    json["token"] = line.word;
    json["extent"] = Json{{"offset", line.where.offset}, {"size", line.where.size}};
  }
  if (!line.open.empty()) json["open"] = line.open;
  if (!line.shown.empty()) json["shown"] = line.shown;
  json["notes"] = Json::array();
  for (const PolicyNote& note : line.notes)
    json["notes"].push_back(Json{{"id", note.id}, {"text", note.text}});
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const CheckedPolicyLine& line, const std::string& path,
                    const TextStyle& style) {
  std::string text;
  const std::string place = fmt::format("{}:{}", path, line.number);
  if (line.accepted == Truth::no)
    text += fmt::format("refused       {}: {}\n              {} at \"{}\" [{}: {}]\n", place,
                        encode_name(line.text), line.decides->fails, encode_name(line.word),
                        line.decides->id, errno_name(line.err));
  else if (line.accepted == Truth::unknown)
    text += fmt::format("undetermined  {}: {}\n              depends on {}\n", place,
                        encode_name(line.text), fmt::join(line.open, ", "));
  else if (style.verbose || !line.notes.empty())
    text += fmt::format("accepted      {}: {}\n", place, encode_name(line.text));
  for (const PolicyNote& note : line.notes)
    text += fmt::format("              note {}: {}\n", note.id, note.text);
  return text;
}

}  // namespace assay
