#include "ima/policy_parse.h"

#include <fmt/format.h>

#include <algorithm>

#include "ima/hash_algo.h"
#include "ima/kernel_number.h"
#include "ima/policy_validate.h"
#include "ima/rules.h"

namespace assay {

namespace {

namespace rule = rules::ima_policy;
using namespace ima_flag;

enum class Token : std::uint8_t {
#define IMA_TOKEN(token, text, form, scope) token,
#include "ima/tokens.def"
#undef IMA_TOKEN
};

enum class Form : std::uint8_t { word, value };

struct TokenRow {
  Token token;
  std::string_view text;
  Form form;
  Scope scope;
};

constexpr TokenRow kTokens[] = {
#define IMA_TOKEN(token, text, form, scope) {Token::token, text, Form::form, scope},
#include "ima/tokens.def"
#undef IMA_TOKEN
};

// match_one: a value has at least one character.
bool matches(const TokenRow& row, std::string_view word) {
  if (row.form == Form::word) return word == row.text;
  return word.starts_with(row.text) && word.size() > row.text.size();
}

// A kind of user or group: where its number goes, and the flag it sets.
struct IdSlot {
  IdCondition ImaRule::* condition;
  std::uint32_t flag;
  Comparison comparison;
};

IdSlot id_slot(Token token) {
  using enum Comparison;
  switch (token) {
    case Token::uid_eq: return {&ImaRule::uid, kUid, equal};
    case Token::uid_gt: return {&ImaRule::uid, kUid, above};
    case Token::uid_lt: return {&ImaRule::uid, kUid, below};
    case Token::euid_eq: return {&ImaRule::uid, kEuid, equal};
    case Token::euid_gt: return {&ImaRule::uid, kEuid, above};
    case Token::euid_lt: return {&ImaRule::uid, kEuid, below};
    case Token::gid_eq: return {&ImaRule::gid, kGid, equal};
    case Token::gid_gt: return {&ImaRule::gid, kGid, above};
    case Token::gid_lt: return {&ImaRule::gid, kGid, below};
    case Token::egid_eq: return {&ImaRule::gid, kEgid, equal};
    case Token::egid_gt: return {&ImaRule::gid, kEgid, above};
    case Token::egid_lt: return {&ImaRule::gid, kEgid, below};
    case Token::fowner_eq: return {&ImaRule::fowner, kFowner, equal};
    case Token::fowner_gt: return {&ImaRule::fowner, kFowner, above};
    case Token::fowner_lt: return {&ImaRule::fowner, kFowner, below};
    case Token::fgroup_eq: return {&ImaRule::fgroup, kFgroup, equal};
    case Token::fgroup_gt: return {&ImaRule::fgroup, kFgroup, above};
    default: return {&ImaRule::fgroup, kFgroup, below};
  }
}

class Parser {
 public:
  Parser(Walk& walk, const ImaPolicyContext& context) : walk_(walk), context_(context) {}

  ParsedImaRule parse(std::string_view text, std::uint64_t offset);

 private:
  Outcome parse_word();
  Outcome parse_value(Token token);
  Outcome parse_action(ImaAction action);
  Outcome parse_func();
  Outcome parse_mask();
  Outcome parse_fsmagic();
  Outcome parse_fs_subtype();
  Outcome parse_keyrings();
  Outcome parse_data_labels();
  Outcome parse_list(std::vector<std::string>& items, std::uint32_t flag);
  Outcome parse_fsuuid();
  Outcome parse_id(const IdSlot& slot);
  Outcome parse_label(LabelKind kind);
  Outcome parse_digest_type();
  Outcome parse_appraise_type();
  Outcome parse_appraise_flag();
  Outcome parse_appraise_algos();
  Outcome parse_pcr();
  Outcome parse_template();

  Outcome check(const Rule& row, bool holds) {
    return walk_.check(row, holds, where_, [this] { return std::string(word_); });
  }
  bool is_on(std::string_view option) {
    return walk_.settle(context_.config.is_on(option), fmt::format("config: {}", option));
  }
  Outcome set(std::uint32_t flags) {
    rule_.flags |= flags;
    return {};
  }

  Walk& walk_;
  const ImaPolicyContext& context_;
  ImaRule rule_;
  std::string_view word_;   // what is being read
  std::string_view value_;  // what follows its text
  Extent where_;
};

ParsedImaRule Parser::parse(std::string_view text, std::uint64_t offset) {
  ParsedImaRule parsed;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    word_ = text.substr(at, end - at);
    where_ = {offset + at, word_.size()};
    at = end + 1;
    if (word_.empty()) continue;
    if (word_.starts_with('#') && walk_.covers(Scope::since(kAnchor72))) break;
    parsed.outcome = parse_word();
    if (parsed.outcome.failed()) {
      parsed.word = where_;
      parsed.rule = std::move(rule_);
      return parsed;
    }
  }
  parsed.read = true;
  parsed.word = {offset, text.size()};
  parsed.outcome = validate_ima_rule(walk_, rule_, parsed.word);
  parsed.rule = std::move(rule_);
  return parsed;
}

Outcome Parser::parse_word() {
  const auto* row =
      std::ranges::find_if(kTokens, [this](const TokenRow& each) { return matches(each, word_); });
  const bool known = row != std::end(kTokens) && walk_.covers(row->scope);
  if (const Outcome bad = check(rule::known_word, known); bad.failed()) return bad;
  value_ = word_.substr(row->text.size());
  switch (row->token) {
    case Token::measure: return parse_action(ImaAction::measure);
    case Token::dont_measure: return parse_action(ImaAction::dont_measure);
    case Token::appraise: return parse_action(ImaAction::appraise);
    case Token::dont_appraise: return parse_action(ImaAction::dont_appraise);
    case Token::audit: return parse_action(ImaAction::audit);
    case Token::dont_audit: return parse_action(ImaAction::dont_audit);
    case Token::hash: return parse_action(ImaAction::hash);
    case Token::dont_hash: return parse_action(ImaAction::dont_hash);
    case Token::permit_directio: return set(kPermitDirectio);
    default: return parse_value(row->token);
  }
}

Outcome Parser::parse_value(Token token) {
  switch (token) {
    case Token::obj_user: return parse_label(LabelKind::obj_user);
    case Token::obj_role: return parse_label(LabelKind::obj_role);
    case Token::obj_type: return parse_label(LabelKind::obj_type);
    case Token::subj_user: return parse_label(LabelKind::subj_user);
    case Token::subj_role: return parse_label(LabelKind::subj_role);
    case Token::subj_type: return parse_label(LabelKind::subj_type);
    case Token::func: return parse_func();
    case Token::mask: return parse_mask();
    case Token::fsmagic: return parse_fsmagic();
    case Token::fsname: rule_.fsname = value_; return set(kFsName);  // the last one counts
    case Token::fs_subtype: return parse_fs_subtype();
    case Token::fsuuid: return parse_fsuuid();
    case Token::digest_type: return parse_digest_type();
    case Token::appraise_type: return parse_appraise_type();
    case Token::appraise_flag: return parse_appraise_flag();
    case Token::appraise_algos: return parse_appraise_algos();
    case Token::pcr: return parse_pcr();
    case Token::template_: return parse_template();
    case Token::keyrings: return parse_keyrings();
    case Token::label: return parse_data_labels();
    default: return parse_id(id_slot(token));
  }
}

// The second action is what the kernel remembers, though it refuses the rule.
Outcome Parser::parse_action(ImaAction action) {
  const bool first = rule_.action == ImaAction::none;
  rule_.action = action;
  return check(rule::one_action, first);
}

Outcome Parser::parse_func() {
  const bool first = rule_.func == ImaHook::none;
  const ImaFunc* func = find_ima_func(value_);
  const bool known =
      func != nullptr && walk_.covers(func->scope) && (func->config.empty() || is_on(func->config));
  if (known) rule_.func = func->hook;
  if (const Outcome bad = check(rule::func_once, first); bad.failed()) return bad;
  if (const Outcome bad = check(rule::func_known, known); bad.failed()) return bad;
  return set(kFunc);
}

Outcome Parser::parse_mask() {
  struct Row {
    std::string_view name;
    std::uint32_t bit;
  };
  static constexpr Row kMasks[] = {{"MAY_EXEC", kMayExec},
                                   {"MAY_WRITE", kMayWrite},
                                   {"MAY_READ", kMayRead},
                                   {"MAY_APPEND", kMayAppend}};
  if (const Outcome bad = check(rule::mask_once, rule_.mask == 0); bad.failed()) return bad;
  const bool is_in = value_.starts_with('^');
  const auto* row = std::ranges::find(kMasks, value_.substr(is_in ? 1 : 0), &Row::name);
  if (const Outcome bad = check(rule::mask_known, row != std::end(kMasks)); bad.failed())
    return bad;
  rule_.mask = row->bit;
  return set(is_in ? kInMask : kMask);
}

// A first fsmagic of 0 leaves no trace, and a second one is then taken.
Outcome Parser::parse_fsmagic() {
  if (const Outcome bad = check(rule::fsmagic_once, rule_.fsmagic == 0); bad.failed()) return bad;
  const KernelNumber number = parse_kernel_ulong(value_, 16);
  if (const Outcome bad = check(rule::fsmagic_size, number.fault != KernelNumber::Fault::too_large);
      bad.failed())
    return bad;
  if (const Outcome bad = check(rule::fsmagic_number, number.fault == KernelNumber::Fault::none);
      bad.failed())
    return bad;
  rule_.fsmagic = number.value;
  return set(kFsMagic);
}

Outcome Parser::parse_fs_subtype() {
  if (const Outcome bad = check(rule::fs_subtype_once, rule_.fs_subtype.empty()); bad.failed())
    return bad;
  rule_.fs_subtype = value_;
  return set(kFsSubtype);
}

Outcome Parser::parse_keyrings() {
  const bool measured = is_on("CONFIG_IMA_MEASURE_ASYMMETRIC_KEYS");
  if (const Outcome bad = check(rule::keyrings_once, measured && rule_.keyrings.empty());
      bad.failed())
    return bad;
  return parse_list(rule_.keyrings, kKeyrings);
}

Outcome Parser::parse_data_labels() {
  if (const Outcome bad = check(rule::label_once, rule_.data_labels.empty()); bad.failed())
    return bad;
  return parse_list(rule_.data_labels, kLabel);
}

Outcome Parser::parse_list(std::vector<std::string>& items, std::uint32_t flag) {
  std::string_view left = value_;
  while (true) {
    const std::size_t end = left.find('|');
    const std::string_view item = left.substr(0, end);
    if (const Outcome bad = check(rule::list_items, !item.empty()); bad.failed()) return bad;
    items.emplace_back(item);
    if (end == left.npos) return set(flag);
    left.remove_prefix(end + 1);
  }
}

Outcome Parser::parse_fsuuid() {
  if (const Outcome bad = check(rule::fsuuid_once, rule_.fsuuid == FsUuid()); bad.failed())
    return bad;
  const auto uuid = parse_kernel_uuid(value_);
  if (const Outcome bad = check(rule::fsuuid_form, uuid.has_value()); bad.failed()) return bad;
  rule_.fsuuid = *uuid;
  return set(kFsUuid);
}

Outcome Parser::parse_id(const IdSlot& slot) {
  IdCondition& condition = rule_.*slot.condition;
  condition.comparison = slot.comparison;
  const bool first = condition.id == IdCondition::kUnset;
  if (const Outcome bad = check(rule::id_once, first); bad.failed()) return bad;
  const KernelNumber number = parse_kernel_ulong(value_, 10);
  if (const Outcome bad = check(rule::id_size, number.fault != KernelNumber::Fault::too_large);
      bad.failed())
    return bad;
  if (const Outcome bad = check(rule::id_number, number.fault == KernelNumber::Fault::none);
      bad.failed())
    return bad;
  if (const Outcome bad = check(rule::id_range, number.value < IdCondition::kUnset); bad.failed())
    return bad;
  condition.id = static_cast<std::uint32_t>(number.value);
  return set(slot.flag);
}

Outcome Parser::parse_label(LabelKind kind) {
  LabelCondition& label = rule_.labels[static_cast<std::size_t>(kind)];
  if (const Outcome bad = check(rule::lsm_once, !label.known); bad.failed()) return bad;
  const bool known = walk_.settle(knows_labels(context_.config), fmt::format("label: {}", word_));
  if (const Outcome bad = check(rule::lsm_known, known || context_.custom_policy); bad.failed())
    return bad;
  label = {std::string(value_), true, known};
  return {};
}

Outcome Parser::parse_digest_type() {
  if (const Outcome bad = check(rule::digest_type_first, !rule_.has(kDigsigRequired)); bad.failed())
    return bad;
  if (const Outcome bad = check(rule::digest_type_known, value_ == "verity"); bad.failed())
    return bad;
  return set(kVerityRequired);
}

Outcome Parser::parse_appraise_type() {
  const bool modsig = value_ == "imasig|modsig" && is_on("CONFIG_IMA_APPRAISE_MODSIG");
  const bool known = value_ == "imasig" || value_ == "sigv3" || modsig;
  if (const Outcome bad = check(rule::appraise_type_known, known); bad.failed()) return bad;
  const std::uint32_t blacklist = walk_.covers(Scope::since(kAnchor612)) ? kCheckBlacklist : 0;
  if (value_ == "sigv3") {
    if (const Outcome bad = check(rule::sigv3_verity, rule_.has(kVerityRequired)); bad.failed())
      return bad;
    const std::uint32_t sigv3 = walk_.covers(Scope::since(kAnchor72)) ? kSigv3Required : 0;
    return set(kDigsigRequired | sigv3 | blacklist);
  }
  if (const Outcome bad = check(rule::imasig_not_verity, !rule_.has(kVerityRequired)); bad.failed())
    return bad;
  if (!modsig) return set(kDigsigRequired | blacklist);
  if (const Outcome bad = check(rule::modsig_not_sigv3, !rule_.has(kSigv3Required)); bad.failed())
    return bad;
  return set(kDigsigRequired | kModsigAllowed | blacklist);
}

// 6.12 and later take any word and do nothing with it.
Outcome Parser::parse_appraise_flag() {
  if (!walk_.applies(rule::appraise_flag)) return {};
  const bool named = value_.find("blacklist") != value_.npos && is_on("CONFIG_IMA_APPRAISE_MODSIG");
  if (const Outcome bad = check(rule::appraise_flag, named); bad.failed()) return bad;
  return set(kCheckBlacklist);
}

Outcome Parser::parse_appraise_algos() {
  if (const Outcome bad = check(rule::algos_once, rule_.allowed_algos == 0); bad.failed())
    return bad;
  std::string_view left = value_;
  std::uint32_t allowed = 0;
  while (true) {
    const std::size_t end = left.find(',');
    const HashAlgo* algo = find_hash_algo(left.substr(0, end));
    const bool known = algo != nullptr && walk_.covers(algo->scope);
    if (const Outcome bad = check(rule::algos_known, known); bad.failed()) return bad;
    const bool available = walk_.settle(has_hash_algo(*algo, context_.crypto, context_.config),
                                        fmt::format("algorithm: {}", algo->name));
    if (const Outcome bad = check(rule::algos_available, available); bad.failed()) return bad;
    allowed |= 1U << algo->number;
    if (end == left.npos) break;
    left.remove_prefix(end + 1);
  }
  rule_.allowed_algos = allowed;
  return set(kValidateAlgos);
}

// Repeated, the last one counts. Of 64 PCRs that the kernel can name, a TPM has 24.
Outcome Parser::parse_pcr() {
  const auto pcr = parse_kernel_int(value_);
  if (const Outcome bad = check(rule::pcr_number, pcr && *pcr >= 0 && *pcr < 64); bad.failed())
    return bad;
  rule_.pcr = *pcr;
  return set(kPcr);
}

Outcome Parser::parse_template() {
  if (const Outcome bad = check(rule::template_measures, rule_.action == ImaAction::measure);
      bad.failed())
    return bad;
  const ImaTemplate* found = find_ima_template(value_, context_.custom_template);
  if (const Outcome bad = check(rule::template_known, found != nullptr); bad.failed()) return bad;
  if (const Outcome bad = check(rule::template_once, !rule_.tmpl); bad.failed()) return bad;
  rule_.tmpl = *found;
  return {};
}

}  // namespace

ParsedImaRule parse_ima_rule(Walk& walk, std::string_view text, std::uint64_t offset,
                             const ImaPolicyContext& context) {
  return Parser(walk, context).parse(text, offset);
}

Truth knows_labels(const KernelConfig& config) {
  const Truth some_module = config.is_on("CONFIG_SECURITY_SELINUX") ||
                            config.is_on("CONFIG_SECURITY_SMACK") ||
                            config.is_on("CONFIG_SECURITY_APPARMOR");
  // Which module runs, and which labels its policy has, no configuration says.
  return config.is_on("CONFIG_IMA_LSM_RULES") && some_module && Truth::unknown;
}

std::vector<ImaPolicyLine> split_ima_policy(std::string_view policy) {
  std::vector<ImaPolicyLine> lines;
  unsigned number = 1;
  std::size_t at = 0;
  while (at < policy.size()) {
    const std::size_t end =
        std::min(policy.find_first_of(std::string_view("\n\0", 2), at), policy.size());
    const std::string_view whole = policy.substr(at, end - at);
    const std::size_t blanks = std::min(whole.find_first_not_of(" \t"), whole.size());
    const std::string_view text = whole.substr(blanks);
    lines.push_back({text, at + blanks, number, !text.empty() && !text.starts_with('#')});
    if (end < policy.size() && policy[end] == '\n') ++number;
    at = end + 1;
  }
  return lines;
}

}  // namespace assay
