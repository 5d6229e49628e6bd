#include "report/policy_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/name.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view finding_of(RuleTrial::Kind kind) {
  switch (kind) {
    case RuleTrial::Kind::not_asked: return "not-asked";
    case RuleTrial::Kind::missed: return "misses";
    case RuleTrial::Kind::matched: return "matches";
  }
  return "";
}

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
  return line_of(json);
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

std::string to_json(const ExplainedPolicy& explained, const std::string& path, ImaHook hook) {
  std::string lines;
  for (const ExplainedRule& rule : explained.rules) {
    Json json{{"schema", "assay.policy-rule/1"},
              {"path", path},
              {"line", rule.line},
              {"text", rule.text},
              {"finding", finding_of(rule.kind)}};
    if (!rule.condition.empty()) json["condition"] = rule.condition;
    lines += line_of(json) + '\n';
  }
  Json json{{"schema", "assay.policy-answer/1"}, {"path", path}, {"hook", ima_hook_name(hook)}};
  if (explained.refused_line != 0) {
    json["refused_line"] = explained.refused_line;
    json["rule"] = explained.refused_by == nullptr ? Json(nullptr) : Json(explained.refused_by->id);
  }
  json["measured"] = explained.actions.measure;
  json["appraised"] = explained.actions.appraise;
  json["audited"] = explained.actions.audit;
  json["hashed"] = explained.actions.hash;
  json["requires"] = explained.requirements;
  json["open"] = explained.open;
  return lines + line_of(json) + '\n';
}

std::string to_text(const ExplainedPolicy& explained, const std::string& path, ImaHook hook) {
  if (explained.refused_line != 0)
    return fmt::format("{}:{}: the kernel does not take this policy: {}\n", path,
                       explained.refused_line,
                       explained.refused_by == nullptr ? "" : explained.refused_by->fails);
  std::string text;
  for (const ExplainedRule& rule : explained.rules)
    text += fmt::format("{}:{:<4} {:<10} {:<12} {}\n", path, rule.line, finding_of(rule.kind),
                        rule.condition, encode_name(rule.text));
  return text + fmt::format("{}: {}\n", ima_hook_name(hook), describe_fate(explained));
}

std::string to_json(const PolicyDifference& difference) {
  return line_of(Json{{"schema", "assay.policy-difference/1"},
                      {"path", difference.path},
                      {"hook", ima_hook_name(difference.hook)},
                      {"first", difference.first},
                      {"second", difference.second}});
}

std::string to_text(const PolicyDifference& difference) {
  return fmt::format("{}  {}\n  {}\n  {}\n", difference.path, ima_hook_name(difference.hook),
                     difference.first, difference.second);
}

}  // namespace assay
