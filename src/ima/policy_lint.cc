#include "ima/policy_lint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/name.h"
#include "ima/event.h"

namespace assay {

namespace {

using namespace ima_flag;

bool is_data(ImaHook hook) { return hook == ImaHook::key_check || hook == ImaHook::critical_data; }

// Hooks that always ask with the same mask.
bool has_fixed_mask(ImaHook hook) {
  return hook != ImaHook::none && hook != ImaHook::file_check && usual_mask(hook) != 0;
}

bool same_where(const ImaRule& a, const ImaRule& b, std::uint32_t flag, bool same) {
  return !a.has(flag) || (b.has(flag) && same);
}

}  // namespace

bool shadows(const ImaRule& earlier, const ImaRule& rule) {
  if (ima_action_class(earlier.action) != ima_action_class(rule.action)) return false;
  if (earlier.func == ImaHook::setxattr_check || rule.func == ImaHook::setxattr_check) return false;
  if (earlier.has_labels() || earlier.is_inactive()) return false;
  if (is_data(rule.func) && earlier.func != rule.func) return false;
  return same_where(earlier, rule, kFunc, earlier.func == rule.func) &&
         same_where(earlier, rule, kMask, earlier.mask == rule.mask) &&
         same_where(earlier, rule, kInMask, earlier.mask == rule.mask) &&
         same_where(earlier, rule, kFsMagic, earlier.fsmagic == rule.fsmagic) &&
         same_where(earlier, rule, kFsName, earlier.fsname == rule.fsname) &&
         same_where(earlier, rule, kFsSubtype, earlier.fs_subtype == rule.fs_subtype) &&
         same_where(earlier, rule, kFsUuid, earlier.fsuuid == rule.fsuuid) &&
         same_where(earlier, rule, kUid, earlier.uid == rule.uid) &&
         same_where(earlier, rule, kEuid, earlier.uid == rule.uid) &&
         (is_data(rule.func) || same_where(earlier, rule, kGid, earlier.gid == rule.gid)) &&
         same_where(earlier, rule, kEgid, earlier.gid == rule.gid) &&
         same_where(earlier, rule, kFowner, earlier.fowner == rule.fowner) &&
         same_where(earlier, rule, kFgroup, earlier.fgroup == rule.fgroup) &&
         same_where(earlier, rule, kKeyrings, earlier.keyrings == rule.keyrings) &&
         same_where(earlier, rule, kLabel, earlier.data_labels == rule.data_labels);
}

std::string place_of(const PolicyRule& rule) {
  if (rule.origin == RuleOrigin::custom) return fmt::format("line {}", rule.number);
  return fmt::format("rule {} of the {}", rule.number, rule_origin_name(rule.origin));
}

std::vector<PolicyNote> lint_ima_rule(const ImaRule& rule, const std::vector<PolicyRule>& earlier) {
  std::vector<PolicyNote> notes;
  const auto shadower = std::ranges::find_if(
      earlier, [&](const PolicyRule& each) { return shadows(each.rule, rule); });
  if (shadower != earlier.end())
    notes.push_back({"shadowed", fmt::format("{} ({}) matches all that this one would, and comes"
                                             " first: this one is never reached",
                                             place_of(*shadower), encode_name(shadower->source))});
  if (rule.has(kMask | kInMask) && has_fixed_mask(rule.func) && rule.mask != usual_mask(rule.func))
    notes.push_back(
        {"mask-never", fmt::format("{} never asks with this mask: the rule never matches",
                                   ima_hook_name(rule.func))});
  if (is_data(rule.func) && rule.has(kGid))
    notes.push_back({"gid-ignored", fmt::format("the kernel does not look at gid for {}",
                                                ima_hook_name(rule.func))});
  constexpr int kTpmPcrs = 24;
  if (rule.has(kPcr) && rule.pcr >= kTpmPcrs)
    notes.push_back({"no-such-pcr", fmt::format("no TPM has a PCR {}", rule.pcr)});
  if (rule.func == ImaHook::setxattr_check) {
    if (rule.has_labels())
      notes.push_back({"labels-ignored", "the kernel does not look at labels for SETXATTR_CHECK"});
    for (const PolicyRule& other : earlier)
      if (other.rule.func == ImaHook::setxattr_check) {
        notes.push_back(
            {"setxattr-decided", "only the first rule for SETXATTR_CHECK has an effect"});
        break;
      }
  }
  // 7.2 takes digest_type=verity after imasig, and then wants a signature of the fs-verity digest.
  if (rule.has(kVerityRequired) && rule.has(kDigsigRequired) && rule.has(kCheckBlacklist) &&
      !rule.has(kSigv3Required) && rule.action == ImaAction::appraise)
    notes.push_back({"verity-signature",
                     "with digest_type=verity no signature of the file will do: it"
                     " takes a version 3 signature of its fs-verity digest"});
  return notes;
}

namespace {

struct WithoutLabel {
  std::uint64_t magic;
  std::string_view name;
};
// File systems of the kernel's own, whose files nobody gives a security.ima.
constexpr WithoutLabel kWithoutLabel[] = {
    {0x9fa0, "proc"}, {0x62656572, "sysfs"}, {0x73636673, "securityfs"}, {0x63677270, "cgroup2"}};

// A rule that every opening of a file for reading comes to, on any file system.
bool asks_about_all_files(const ImaRule& rule) {
  constexpr std::uint32_t kWhere = kFsMagic | kFsName | kFsSubtype | kFsUuid;
  const bool any_func = !rule.has(kFunc) || rule.func == ImaHook::file_check;
  const bool reading = !rule.has(kMask | kInMask) || (rule.mask & kMayRead) != 0;
  const bool of_root = !rule.has(kFowner) || rule.fowner.admits(0);
  return rule.action == ImaAction::appraise && any_func && reading && of_root &&
         !rule.has(kWhere) && !rule.has_labels();
}

void note_lock_out(const std::vector<PolicyRule>& rules, std::vector<PolicyNote>& notes) {
  const auto all = std::ranges::find_if(
      rules, [](const PolicyRule& each) { return asks_about_all_files(each.rule); });
  if (all == rules.end()) return;
  std::vector<std::string_view> caught;
  for (const WithoutLabel& fs : kWithoutLabel) {
    ImaRule file = all->rule;
    file.flags |= kFsMagic;
    file.fsmagic = fs.magic;
    if (std::none_of(rules.begin(), all,
                     [&](const PolicyRule& each) { return shadows(each.rule, file); }))
      caught.push_back(fs.name);
  }
  if (!caught.empty())
    notes.push_back(
        {"locks-out",
         fmt::format("{} ({}) also asks about files of {}, which have no security.ima:"
                     " where IMA enforces, nobody can open them any more",
                     place_of(*all), encode_name(all->source), fmt::join(caught, ", "))});
}

// The first rule of the policy that covers all that `closed` does; does it ask for as much?
bool still_closes(const std::vector<PolicyRule>& rules, const ImaRule& closed) {
  const auto covers = std::ranges::find_if(
      rules, [&](const PolicyRule& each) { return shadows(each.rule, closed); });
  return covers != rules.end() && covers->rule.action == ImaAction::appraise &&
         (covers->rule.has(kDigsigRequired) || !closed.has(kDigsigRequired));
}

// Rules for appraising that end when the first custom policy is loaded.
void note_opened(const std::vector<PolicyRule>& rules, const ImaState& booted,
                 std::vector<PolicyNote>& notes) {
  for (const PolicyRule& each : booted.rules())
    if (each.rule.action == ImaAction::appraise && !still_closes(rules, each.rule))
      notes.push_back({"opens", fmt::format("{} ({}) ends when this policy is loaded, and no rule"
                                            " of it asks for as much",
                                            place_of(each), encode_name(each.source))});
}

// Appraising that the configuration or the command line makes idle.
void note_idle(const std::vector<PolicyRule>& rules, const ImaState* booted, const ImaSetup& setup,
               std::vector<PolicyNote>& notes) {
  const auto appraises = [](const PolicyRule& each) {
    return each.rule.action == ImaAction::appraise;
  };
  const auto first = std::ranges::find_if(rules, appraises);
  if (first == rules.end()) return;
  const auto is_off = [&](std::string_view option) {
    return setup.config.is_on(option) == Truth::no;
  };
  if (is_off("CONFIG_IMA_APPRAISE"))
    notes.push_back(
        {"appraises-nothing",
         fmt::format("CONFIG_IMA_APPRAISE is off: {} appraises nothing", place_of(*first))});
  else if (booted != nullptr && !booted->enforces())
    notes.push_back({"not-enforced",
                     "ima_appraise= of the command line: what is appraised and"
                     " found bad is used all the same"});
  const auto signed_ones = std::ranges::find_if(rules, [&](const PolicyRule& each) {
    return appraises(each) && each.rule.has(kDigsigRequired);
  });
  for (const std::string_view option :
       {"CONFIG_INTEGRITY_SIGNATURE", "CONFIG_INTEGRITY_ASYMMETRIC_KEYS"})
    if (signed_ones != rules.end() && is_off(option))
      notes.push_back({"no-signatures", fmt::format("{} is off: no file can have what {} asks for",
                                                    option, place_of(*signed_ones))});
}

}  // namespace

std::vector<PolicyNote> lint_ima_policy(const std::vector<PolicyRule>& rules,
                                        const ImaState* booted, const ImaSetup& setup) {
  std::vector<PolicyNote> notes;
  note_lock_out(rules, notes);
  if (booted != nullptr) note_opened(rules, *booted, notes);
  note_idle(rules, booted, setup, notes);
  const auto seals = std::ranges::find_if(rules, [](const PolicyRule& each) {
    return each.rule.action == ImaAction::appraise && each.rule.func == ImaHook::policy_check;
  });
  if (seals != rules.end())
    notes.push_back({"seals", fmt::format("after {} a policy is taken by its path alone, and its"
                                          " file is appraised first",
                                          place_of(*seals))});
  return notes;
}

}  // namespace assay
