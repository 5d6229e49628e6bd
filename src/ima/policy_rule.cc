#include "ima/policy_rule.h"

#include <algorithm>

namespace assay {

std::string_view ima_action_name(ImaAction action) {
  switch (action) {
    case ImaAction::none: return "";
    case ImaAction::measure: return "measure";
    case ImaAction::dont_measure: return "dont_measure";
    case ImaAction::appraise: return "appraise";
    case ImaAction::dont_appraise: return "dont_appraise";
    case ImaAction::audit: return "audit";
    case ImaAction::dont_audit: return "dont_audit";
    case ImaAction::hash: return "hash";
    case ImaAction::dont_hash: return "dont_hash";
  }
  return "";
}

ImaAction ima_action_class(ImaAction action) {
  switch (action) {
    case ImaAction::dont_measure: return ImaAction::measure;
    case ImaAction::dont_appraise: return ImaAction::appraise;
    case ImaAction::dont_audit: return ImaAction::audit;
    case ImaAction::dont_hash: return ImaAction::hash;
    default: return action;
  }
}

bool is_positive(ImaAction action) { return ima_action_class(action) == action; }

std::string_view label_kind_name(LabelKind kind) {
  switch (kind) {
    case LabelKind::obj_user: return "obj_user";
    case LabelKind::obj_role: return "obj_role";
    case LabelKind::obj_type: return "obj_type";
    case LabelKind::subj_user: return "subj_user";
    case LabelKind::subj_role: return "subj_role";
    case LabelKind::subj_type: return "subj_type";
  }
  return "";
}

bool ImaRule::has_labels() const {
  return std::ranges::any_of(labels, [](const LabelCondition& label) { return label.present; });
}

bool ImaRule::is_inactive() const {
  return std::ranges::any_of(
      labels, [](const LabelCondition& label) { return label.present && !label.known; });
}

}  // namespace assay
