#include "report/policy_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

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

Json notes_of(const std::vector<PolicyNote>& notes) {
  Json json = Json::array();
  for (const PolicyNote& note : notes) json.push_back(Json{{"id", note.id}, {"text", note.text}});
  return json;
}

const CheckedPolicyLine* find_first(const CheckedPolicy& checked, Truth accepted) {
  const auto found = std::ranges::find(checked.lines, accepted, &CheckedPolicyLine::accepted);
  return found == checked.lines.end() ? nullptr : &*found;
}

// "policy:3", "[secure_boot policy 2]".
std::string place_of(const ExplainedRule& rule, const std::string& path) {
  if (rule.origin == RuleOrigin::custom) return fmt::format("{}:{}", path, rule.number);
  return fmt::format("[{} {}]", rule_origin_name(rule.origin), rule.number);
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
  json["notes"] = notes_of(line.notes);
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

std::string to_json(const CheckedPolicy& checked, const std::string& path,
                    const PolicyParser& parser) {
  Json json{{"schema", "assay.policy-summary/1"}, {"path", path},
            {"rules", checked.lines.size()},      {"accepted", checked.accepted},
            {"refused", checked.refused},         {"undetermined", checked.open}};
  const bool known = checked.loads != Truth::unknown;
  json["loads"] = known ? Json(checked.loads == Truth::yes) : Json(nullptr);
  if (const CheckedPolicyLine* first = find_first(checked, Truth::no)) {
    json["refused_line"] = first->number;
    json["errno"] = errno_name(first->err);
    json["errno_number"] = errno_number(first->err);
  }
  json["kernel_version"] = to_string(parser.kernel.version);
  json["kernel_version_from"] = parser.from;
  json["notes"] = notes_of(checked.notes);
  return line_of(json);
}

std::string to_text(const CheckedPolicy& checked, const std::string& path,
                    const PolicyParser& parser) {
  std::string text;
  for (const PolicyNote& note : checked.notes)
    text += fmt::format("{}: note {}: {}\n", path, note.id, note.text);
  const std::string whose =
      fmt::format("by the parser of {} ({})", to_string(parser.kernel.version), parser.from);
  const std::size_t rules = checked.lines.size();
  if (rules == 0) return text + fmt::format("{}: not loaded: it has no rule, {}\n", path, whose);
  if (const CheckedPolicyLine* first = find_first(checked, Truth::no))
    return text + fmt::format(
                      "{}: not loaded: {} of {} rules refused, line {} first; the kernel"
                      " takes a policy whole or not at all, {}\n",
                      path, checked.refused, rules, first->number, whose);
  if (checked.loads == Truth::unknown)
    return text +
           fmt::format("{}: undetermined: {} of {} rules, {}\n", path, checked.open, rules, whose);
  return text +
         fmt::format("{}: loaded: {} rule{}, {}\n", path, rules, rules == 1 ? "" : "s", whose);
}

std::string to_json(const ExplainedPolicy& explained, const std::string& path, ImaHook hook) {
  std::string lines;
  for (const ExplainedRule& rule : explained.rules) {
    Json json{{"schema", "assay.policy-rule/1"},
              {"path", path},
              {"policy", rule_origin_name(rule.origin)},
              {rule.origin == RuleOrigin::custom ? "line" : "number", rule.number},
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
  std::size_t width = 0;
  for (const ExplainedRule& rule : explained.rules)
    width = std::max(width, place_of(rule, path).size());
  for (const ExplainedRule& rule : explained.rules)
    text += fmt::format("{:<{}}  {:<10} {:<12} {}\n", place_of(rule, path), width,
                        finding_of(rule.kind), rule.condition, encode_name(rule.text));
  return text + fmt::format("{}: {}\n", ima_hook_name(hook), describe_fate(explained));
}

std::string to_json(const PolicyDifference& difference) {
  return line_of(Json{{"schema", "assay.policy-difference/1"},
                      {"path", difference.path.empty() ? Json(nullptr) : Json(difference.path)},
                      {"hook", ima_hook_name(difference.hook)},
                      {"first", difference.first},
                      {"second", difference.second}});
}

std::string to_text(const PolicyDifference& difference) {
  return fmt::format("{}  {}\n  {}\n  {}\n",
                     difference.path.empty() ? "a file as described" : difference.path,
                     ima_hook_name(difference.hook), difference.first, difference.second);
}

}  // namespace assay
