#include "ima/policy_lint.h"

#include <fmt/format.h>

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

std::vector<PolicyNote> lint_ima_rule(const ImaRule& rule, const std::vector<ImaRule>& earlier) {
  std::vector<PolicyNote> notes;
  for (std::size_t i = 0; i < earlier.size(); ++i)
    if (shadows(earlier[i], rule)) {
      notes.push_back(
          {"shadowed", fmt::format("rule {} of the file matches all that this one would,"
                                   " and comes first: this one is never reached",
                                   i + 1)});
      break;
    }
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
    for (const ImaRule& other : earlier)
      if (other.func == ImaHook::setxattr_check) {
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

}  // namespace assay
