// ima/policy_rule.h - one rule of an IMA policy, as the kernel keeps it (struct ima_rule_entry).

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ima/hook.h"
#include "ima/template.h"

namespace assay {

enum class ImaAction : std::uint8_t {
  none,
  measure,
  dont_measure,
  appraise,
  dont_appraise,
  audit,
  dont_audit,
  hash,
  dont_hash,
};
std::string_view ima_action_name(ImaAction action);  // "dont_measure"
// The action of which this is the negation, or the action itself.
ImaAction ima_action_class(ImaAction action);
bool is_positive(ImaAction action);

// Which conditions a rule has, and what it requires. The kernel keeps both in one word.
namespace ima_flag {
inline constexpr std::uint32_t kFunc = 1U << 0;
inline constexpr std::uint32_t kMask = 1U << 1;    // the hook's mask is this
inline constexpr std::uint32_t kInMask = 1U << 2;  // the hook's mask has this: mask=^
inline constexpr std::uint32_t kFsMagic = 1U << 3;
inline constexpr std::uint32_t kFsName = 1U << 4;
inline constexpr std::uint32_t kFsSubtype = 1U << 5;
inline constexpr std::uint32_t kFsUuid = 1U << 6;
inline constexpr std::uint32_t kUid = 1U << 7;
inline constexpr std::uint32_t kEuid = 1U << 8;
inline constexpr std::uint32_t kGid = 1U << 9;
inline constexpr std::uint32_t kEgid = 1U << 10;
inline constexpr std::uint32_t kFowner = 1U << 11;
inline constexpr std::uint32_t kFgroup = 1U << 12;
inline constexpr std::uint32_t kPcr = 1U << 13;
inline constexpr std::uint32_t kKeyrings = 1U << 14;
inline constexpr std::uint32_t kLabel = 1U << 15;
inline constexpr std::uint32_t kValidateAlgos = 1U << 16;
// From here on the flags of every rule that matches an event are added up.
inline constexpr std::uint32_t kDigsigRequired = 1U << 24;
inline constexpr std::uint32_t kPermitDirectio = 1U << 25;
inline constexpr std::uint32_t kSigv3Required = 1U << 26;
inline constexpr std::uint32_t kFailUnverifiableSigs = 1U << 27;
inline constexpr std::uint32_t kModsigAllowed = 1U << 28;
inline constexpr std::uint32_t kCheckBlacklist = 1U << 29;
inline constexpr std::uint32_t kVerityRequired = 1U << 30;
inline constexpr std::uint32_t kAddedUp = 0xFF000000U;
}  // namespace ima_flag

enum class Comparison : std::uint8_t { equal, above, below };

// A condition on a user's or group's number. All ones is no number: the kernel's "not set".
struct IdCondition {
  static constexpr std::uint32_t kUnset = 0xFFFFFFFFU;
  std::uint32_t id = kUnset;
  Comparison comparison = Comparison::equal;
  bool admits(std::uint32_t other) const {
    return comparison == Comparison::equal   ? other == id
           : comparison == Comparison::above ? other > id
                                             : other < id;
  }
  friend bool operator==(const IdCondition&, const IdCondition&) = default;
};

// A label of a security module. One that no module knows makes the rule inactive.
enum class LabelKind : std::uint8_t {
  obj_user,
  obj_role,
  obj_type,
  subj_user,
  subj_role,
  subj_type,
};
inline constexpr std::size_t kLabelKindCount = 6;
std::string_view label_kind_name(LabelKind kind);  // "obj_user"

struct LabelCondition {
  std::string text;
  bool present = false;
  bool known = false;  // to a security module of this kernel
  friend bool operator==(const LabelCondition&, const LabelCondition&) = default;
};

using FsUuid = std::array<std::uint8_t, 16>;

struct ImaRule {
  ImaAction action = ImaAction::none;
  std::uint32_t flags = 0;
  ImaHook func = ImaHook::none;
  std::uint32_t mask = 0;
  std::uint64_t fsmagic = 0;
  FsUuid fsuuid{};
  IdCondition uid;  // or euid, as the flags say
  IdCondition gid;  // or egid
  IdCondition fowner;
  IdCondition fgroup;
  int pcr = 0;
  std::uint32_t allowed_algos = 0;  // a bit for each number of ima/hash_algos.def
  std::array<LabelCondition, kLabelKindCount> labels;
  std::string fsname;
  std::string fs_subtype;
  std::vector<std::string> keyrings;
  std::vector<std::string> data_labels;  // label=, of critical data
  std::optional<ImaTemplate> tmpl;

  bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
  bool has_labels() const;
  // A label that no security module knows: the rule matches nothing and is not shown.
  bool is_inactive() const;
  friend bool operator==(const ImaRule&, const ImaRule&) = default;
};

}  // namespace assay
