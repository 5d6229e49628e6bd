#include "ima/policy_explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "signatures/explore.h"

namespace assay {

namespace {

struct Requirement {
  std::uint32_t flag;
  std::string_view text;
};
constexpr Requirement kRequirements[] = {
    {ima_flag::kDigsigRequired, "a signature"},
    {ima_flag::kSigv3Required, "of version 3"},
    {ima_flag::kVerityRequired, "of the fs-verity digest"},
    {ima_flag::kModsigAllowed, "or an appended signature"},
    {ima_flag::kCheckBlacklist, "no entry in the bin: blocklist"},
    {ima_flag::kPermitDirectio, "direct I/O permitted"},
    {ima_flag::kFailUnverifiableSigs, "no file system that cannot be verified"},
};

struct Trial {
  ExplainedPolicy policy;
  std::uint32_t flags = 0;
};

// What the answers of two ways come to.
bool same_fate(const Trial& a, const Trial& b) {
  const ImaClasses& x = a.policy.actions;
  const ImaClasses& y = b.policy.actions;
  return a.flags == b.flags && x.measure == y.measure && x.appraise == y.appraise &&
         x.audit == y.audit && x.hash == y.hash && a.policy.refused_line == b.policy.refused_line;
}

// The line at fault, or 0.
unsigned load(Walk& walk, ImaState& state, const ImaSetup& setup, std::string_view policy,
              const Rule*& refused_by) {
  ImaPolicySession session(walk, state, setup);
  std::string ended(policy);
  if (!ended.ends_with('\n')) ended += '\n';
  const Outcome bad = session.load(ended);
  if (bad.failed() && bad.step >= 0)
    refused_by = walk.steps()[static_cast<std::size_t>(bad.step)].rule;
  session.close();
  return session.refused_line();
}

}  // namespace

std::vector<std::string> describe_requirements(std::uint32_t flags) {
  std::vector<std::string> texts;
  for (const Requirement& each : kRequirements)
    if ((flags & each.flag) != 0) texts.emplace_back(each.text);
  return texts;
}

std::string describe_fate(const ExplainedPolicy& explained) {
  if (explained.refused_line != 0)
    return fmt::format("the policy is not taken (line {})", explained.refused_line);
  const ImaClasses& actions = explained.actions;
  std::vector<std::string_view> names;
  if (actions.measure) names.emplace_back("measured");
  if (actions.appraise) names.emplace_back("appraised");
  if (actions.audit) names.emplace_back("audited");
  if (actions.hash) names.emplace_back("hashed");
  std::string text = names.empty() ? "nothing is done" : fmt::format("{}", fmt::join(names, ", "));
  if (!explained.requirements.empty())
    text += fmt::format(", required: {}", fmt::join(explained.requirements, ", "));
  if (!explained.open.empty())
    text += fmt::format(", depends on {}", fmt::join(explained.open, ", "));
  return text;
}

KernelConfig config_with_all_of_ima() {
  KernelConfig config;
  for (const char* option :
       {"CONFIG_IMA", "CONFIG_IMA_APPRAISE", "CONFIG_IMA_APPRAISE_BOOTPARAM",
        "CONFIG_IMA_APPRAISE_MODSIG", "CONFIG_IMA_WRITE_POLICY", "CONFIG_IMA_READ_POLICY",
        "CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS", "CONFIG_IMA_LSM_RULES", "CONFIG_SECURITY_SELINUX",
        "CONFIG_INTEGRITY_TRUSTED_KEYRING", "CONFIG_64BIT"})
    config.set(option, "y");
  config.set("CONFIG_IMA_DEFAULT_HASH", "sha256");
  config.set("CONFIG_IMA_DEFAULT_TEMPLATE", "ima-ng");
  return config;
}

ExplainedPolicy explain_ima_policy(const KernelId& kernel, std::optional<std::string_view> policy,
                                   const ImaSetup& setup, const ImaEvent& event,
                                   const ImaFile& file) {
  const auto run = [&](Walk& walk) {
    Trial trial;
    ImaState state(walk, setup);
    if (policy)
      trial.policy.refused_line = load(walk, state, setup, *policy, trial.policy.refused_by);
    if (trial.policy.refused_line != 0) return trial;
    std::vector<RuleTrial> trials;
    const ImaMatch match =
        match_ima_policy(walk, state, {true, true, true, true}, event, file, &trials);
    for (const RuleTrial& each : trials)
      trial.policy.rules.push_back({each.rule->origin, each.rule->number, each.rule->source,
                                    each.kind, std::string(each.condition)});
    trial.policy.actions = match.actions;
    trial.flags = match.flags;
    trial.policy.requirements = describe_requirements(match.flags);
    return trial;
  };
  auto explored = explore(kernel, false, run, same_fate);
  explored.first.policy.open = std::move(explored.open);
  return std::move(explored.first.policy);
}

}  // namespace assay
