#include "ima/match.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace assay {

namespace {

using namespace ima_flag;

class Matcher {
 public:
  Matcher(Walk& walk, const ImaRule& rule, const ImaEvent& event, const ImaFile& file)
      : walk_(walk), rule_(rule), event_(event), file_(file) {}

  // The first condition that does not hold; empty: the rule matches.
  std::string_view missed() {
    const bool any_hook = event_.hook == ImaHook::post_setattr;
    if (rule_.has(kFunc) && rule_.func != event_.hook && !any_hook) return "func";
    if (event_.hook == ImaHook::key_check || event_.hook == ImaHook::critical_data)
      return missed_data();
    if (rule_.has(kMask) && rule_.mask != event_.mask && !any_hook) return "mask";
    if (rule_.has(kInMask) && (rule_.mask & event_.mask) == 0 && !any_hook) return "mask";
    if (const auto name = missed_filesystem(); !name.empty()) return name;
    if (const auto name = missed_ids(); !name.empty()) return name;
    if (rule_.has(kFowner) && !admits(rule_.fowner, file_.owner, "file: owner")) return "fowner";
    if (rule_.has(kFgroup) && !admits(rule_.fgroup, file_.group, "file: group")) return "fgroup";
    return missed_label();
  }

 private:
  // ima_match_rule_data: of users and groups only uid is looked at.
  std::string_view missed_data() {
    if (rule_.func != event_.hook) return "func";
    if (rule_.has(kUid) && !admits(rule_.uid, event_.subject.uid, "subject: uid")) return "uid";
    const bool keys = event_.hook == ImaHook::key_check;
    const auto& items = keys ? rule_.keyrings : rule_.data_labels;
    if (!items.empty() && std::ranges::find(items, event_.data) == items.end())
      return keys ? "keyrings" : "label";
    return {};
  }

  std::string_view missed_filesystem() {
    const ImaFilesystem& fs = file_.filesystem;
    if (rule_.has(kFsMagic) && !equals(fs.magic, rule_.fsmagic, "filesystem: magic"))
      return "fsmagic";
    if (rule_.has(kFsName) && !equals(fs.name, rule_.fsname, "filesystem: name")) return "fsname";
    if (rule_.has(kFsSubtype) && !equals(fs.subtype, rule_.fs_subtype, "filesystem: subtype"))
      return "fs_subtype";
    if (rule_.has(kFsUuid) && !equals(fs.uuid, rule_.fsuuid, "filesystem: uuid")) return "fsuuid";
    return {};
  }

  std::string_view missed_ids() {
    const ImaSubject& who = event_.subject;
    if (rule_.has(kUid) && !admits(rule_.uid, who.uid, "subject: uid")) return "uid";
    if (rule_.has(kEuid) && !admits_effective(rule_.uid, who.cap_setuid, "subject: CAP_SETUID",
                                              {who.euid, who.suid, who.uid}, "subject: euid"))
      return "euid";
    if (rule_.has(kGid) && !admits(rule_.gid, who.gid, "subject: gid")) return "gid";
    if (rule_.has(kEgid) && !admits_effective(rule_.gid, who.cap_setgid, "subject: CAP_SETGID",
                                              {who.egid, who.sgid, who.gid}, "subject: egid"))
      return "egid";
    return {};
  }

  // Whoever may change its numbers is matched by any of them: effective, saved, real.
  bool admits_effective(const IdCondition& condition, Truth capable, std::string_view capability,
                        const std::array<std::optional<std::uint32_t>, 3>& ids,
                        std::string_view key) {
    if (admits(condition, ids[0], key)) return true;
    if (!walk_.settle(capable, capability)) return false;
    return admits(condition, ids[1], fmt::format("{} (saved)", key)) ||
           admits(condition, ids[2], fmt::format("{} (real)", key));
  }

  bool admits(const IdCondition& condition, const std::optional<std::uint32_t>& id,
              std::string_view key) {
    if (id) return condition.admits(*id);
    const char comparison = condition.comparison == Comparison::equal   ? '='
                            : condition.comparison == Comparison::above ? '>'
                                                                        : '<';
    return walk_.settle(Truth::unknown, fmt::format("{} {} {}", key, comparison, condition.id));
  }
  bool equals(const std::optional<std::uint64_t>& value, std::uint64_t wanted,
              std::string_view key) {
    if (value) return *value == wanted;
    return walk_.settle(Truth::unknown, fmt::format("{} = 0x{:x}", key, wanted));
  }
  bool equals(const std::optional<std::string>& value, const std::string& wanted,
              std::string_view key) {
    if (value) return *value == wanted;
    return walk_.settle(Truth::unknown, fmt::format("{} = {}", key, wanted));
  }
  bool equals(const std::optional<FsUuid>& value, const FsUuid& wanted, std::string_view key) {
    if (value) return *value == wanted;
    return walk_.settle(Truth::unknown, fmt::format("{} = {:02x}", key, fmt::join(wanted, "")));
  }

  std::string_view missed_label() {
    for (std::size_t i = 0; i < rule_.labels.size(); ++i) {
      const LabelCondition& label = rule_.labels[i];
      if (!label.present) continue;
      const std::string_view name = label_kind_name(static_cast<LabelKind>(i));
      if (!label.known) return name;
      if (!walk_.settle(Truth::unknown, fmt::format("label: {} is {}", name, label.text)))
        return name;
    }
    return {};
  }

  Walk& walk_;
  const ImaRule& rule_;
  const ImaEvent& event_;
  const ImaFile& file_;
};

bool& class_of(ImaClasses& classes, ImaAction action) {
  switch (ima_action_class(action)) {
    case ImaAction::measure: return classes.measure;
    case ImaAction::appraise: return classes.appraise;
    case ImaAction::audit: return classes.audit;
    default: return classes.hash;
  }
}

void take(ImaMatch& match, const PolicyRule& each, bool fails_securely) {
  const ImaRule& rule = each.rule;
  match.flags |= rule.flags & kAddedUp;
  if (ima_action_class(rule.action) == ImaAction::appraise) match.appraising = &each;
  if (is_positive(rule.action)) class_of(match.actions, rule.action) = true;
  if (rule.action == ImaAction::appraise) {
    match.actions.hash = false;
    match.as_file_check = !rule.has(kFunc);
    if (fails_securely) match.flags |= kFailUnverifiableSigs;
    if (rule.has(kValidateAlgos)) match.allowed_algos = rule.allowed_algos;
  }
  if (rule.has(kPcr)) match.pcr = rule.pcr;
  if (rule.tmpl) match.tmpl = &*rule.tmpl;
}

}  // namespace

bool match_ima_rule(Walk& walk, const ImaRule& rule, const ImaEvent& event, const ImaFile& file,
                    std::string_view& missed) {
  missed = Matcher(walk, rule, event, file).missed();
  return missed.empty();
}

ImaMatch match_ima_policy(Walk& walk, const ImaState& state, const ImaClasses& wanted,
                          const ImaEvent& event, const ImaFile& file,
                          std::vector<RuleTrial>* trials) {
  const ImaClasses& has = state.classes();
  ImaClasses open{wanted.measure && has.measure, wanted.appraise && has.appraise,
                  wanted.audit && has.audit, wanted.hash && has.hash};
  ImaMatch match;
  for (const PolicyRule& each : state.rules()) {
    bool& is_open = class_of(open, each.rule.action);
    std::string_view missed;
    const bool matched = is_open && match_ima_rule(walk, each.rule, event, file, missed);
    if (trials != nullptr)
      trials->push_back({&each,
                         !is_open  ? RuleTrial::Kind::not_asked
                         : matched ? RuleTrial::Kind::matched
                                   : RuleTrial::Kind::missed,
                         missed});
    if (!matched) continue;
    take(match, each, state.fails_securely());
    is_open = false;
    if (!open.any() && trials == nullptr) break;
  }
  return match;
}

}  // namespace assay
