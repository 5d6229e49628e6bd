#include "report/hashes_plan_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/name.h"
#include "base/shell_word.h"
#include "report/open_questions.h"

namespace assay {

namespace {

using Json = nlohmann::ordered_json;

std::string_view meaning_of(Remedy remedy) {
  switch (remedy) {
    case Remedy::nothing: return "nothing is needed";
    case Remedy::attach_proof:
      return "it is what the kernel was built with, without its proof: attach it";
    case Remedy::excise:
      return "it is what the kernel was built with, and something was appended since: take it off";
    case Remedy::sign: return "sign it";
    case Remedy::enrol_and_sign:
      return "enrol the key with the firmware's owner's list, reboot, and sign it";
    case Remedy::new_root: return "a kernel with a new root or list, and a reboot into it";
    case Remedy::impossible: return "impossible on this kernel and platform";
    case Remedy::undetermined: break;
  }
  return "what is not known would decide";
}

std::string sign_command(const std::string& path, const PlanWords& words) {
  return fmt::format("assay sign {} --replace --in-place {}", words.signer, path);
}

std::vector<std::string> new_root_steps(const std::string& path, const PlanWords& words) {
  if (words.tree.empty())
    return {
        fmt::format("build the kernel again with {} in its modules; --tree names the modules it "
                    "was built with, --write-to then writes the new root and all proofs",
                    path)};
  const std::string folder =
      words.write_to.empty() ? std::string("DIR") : shell_word(words.write_to);
  std::vector<std::string> steps;
  if (words.write_to.empty())
    steps.emplace_back("give --write-to DIR, which writes the new root and all proofs");
  steps.push_back(
      fmt::format("objcopy --update-section .module_hashes={}/module_hashes vmlinux", folder));
  steps.emplace_back("make the kernel image of this vmlinux again, and sign it for Secure Boot");
  steps.push_back(fmt::format(
      "put {} into {}, then: assay hashes attach --in-place --order {}/modules.order {}", path,
      shell_word(words.tree), folder, shell_word(words.tree)));
  steps.emplace_back("systemctl reboot");
  return steps;
}

// Commands where there is one, else what is to be done, in words.
std::vector<std::string> steps_of(const ModulePlan& plan, const PlanWords& words) {
  const std::string path = shell_word(plan.path);
  switch (plan.remedy) {
    case Remedy::attach_proof:
      return {fmt::format("put {} into {}, then: assay hashes attach --in-place {}", path,
                          shell_word(words.tree), shell_word(words.tree))};
    case Remedy::excise: return {fmt::format("assay excise --discard --in-place {}", path)};
    case Remedy::sign: return {sign_command(path, words)};
    case Remedy::enrol_and_sign:
      return {"mokutil --import the certificate, as DER", "systemctl reboot",
              sign_command(path, words)};
    case Remedy::new_root: return new_root_steps(path, words);
    default: return {};
  }
}

std::string fate(const JudgedModule& judged) {
  const Verdict& verdict = judged.verdict;
  std::string text(decision_name(verdict.decision));
  if (verdict.decision == Decision::refused) text += fmt::format(" {}", errno_name(verdict.err));
  if (!judged.taint.empty()) text += fmt::format(" ({})", judged.taint);
  if (judged.reason) text += fmt::format(": {}", judged.reason->text);
  if (verdict.deciding != nullptr) text += fmt::format(" [{}]", verdict.deciding->id);
  return text;
}

Json json_of(const JudgedModule& judged) {
  const Verdict& verdict = judged.verdict;
  Json json{{"decision", decision_name(verdict.decision)}};
  const bool returns = verdict.decision != Decision::undetermined;
  json["errno"] = returns ? Json(errno_name(verdict.err)) : Json(nullptr);
  json["deciding_rule"] = verdict.deciding == nullptr ? Json(nullptr) : Json(verdict.deciding->id);
  if (judged.reason) json["text"] = judged.reason->text;
  if (!judged.taint.empty()) json["taint"] = judged.taint;
  if (!verdict.open.empty()) json["open"] = verdict.open;
  return json;
}

bool wants_signer(const ModulePlan& plan, const PlanWords& words) {
  return words.signer.empty() && plan.remedy != Remedy::nothing &&
         plan.remedy != Remedy::attach_proof && plan.remedy != Remedy::excise;
}

constexpr std::string_view kNoSigner =
    "no key was given that a signature could be tried with (--key, --cert)";

}  // namespace

std::string to_json(const ModulePlan& plan, const std::optional<ModuleRoot>& new_root,
                    const PlanWords& words) {
  Json json{{"schema", "assay.module-plan/1"}, {"path", encode_name(plan.path)}};
  if (plan.error) {
    json["plan"] = remedy_name(Remedy::undetermined);
    json["error"] = describe(*plan.error);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  json["plan"] = remedy_name(plan.remedy);
  json["as_is"] = json_of(plan.as_is);
  json["tried"] = Json::array();
  for (const Trial& trial : plan.tried) {
    Json one = json_of(trial.judged);
    one["remedy"] = remedy_name(trial.remedy);
    json["tried"].push_back(std::move(one));
  }
  json["steps"] = Json::array();
  for (const std::string& step : steps_of(plan, words)) json["steps"].push_back(encode_name(step));
  if (plan.remedy == Remedy::new_root && new_root) {
    json["levels"] = new_root->levels;
    json["root"] = new_root->hash.hex();
    json["position"] = *plan.position;
    json["added"] = plan.is_added;
  }
  if (wants_signer(plan, words)) json["note"] = kNoSigner;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_text(const ModulePlan& plan, const std::optional<ModuleRoot>& new_root,
                    const PlanWords& words) {
  if (plan.error) return describe(*plan.error) + '\n';
  std::string text = fmt::format("{}\n  as it is: {}\n", encode_name(plan.path), fate(plan.as_is));
  for (const std::string& key : plan.as_is.verdict.open)
    text += fmt::format("    open: {}\n", question_of(key));
  for (const Trial& trial : plan.tried)
    if (trial.remedy != plan.remedy)
      text += fmt::format("  after {}: {}\n", remedy_name(trial.remedy), fate(trial.judged));
  text += fmt::format("  {}: {}\n", remedy_name(plan.remedy), meaning_of(plan.remedy));
  for (const std::string& step : steps_of(plan, words))
    text += fmt::format("    {}\n", encode_name(step));
  if (plan.remedy == Remedy::new_root && new_root)
    text += fmt::format("    root {} ({} levels), position {}{}\n", new_root->hash.hex(),
                        new_root->levels, *plan.position,
                        plan.is_added ? ", added behind all others" : "");
  if (wants_signer(plan, words)) text += fmt::format("  {}\n", kNoSigner);
  return text;
}

}  // namespace assay
