#include "ima/policy_show.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ima/hash_algo.h"

namespace assay {

namespace {

using namespace ima_flag;

std::string show_id(std::string_view name, const IdCondition& condition) {
  const char comparison = condition.comparison == Comparison::equal   ? '='
                          : condition.comparison == Comparison::above ? '>'
                                                                      : '<';
  return fmt::format("{}{}{} ", name, comparison, static_cast<std::int32_t>(condition.id));
}

std::string show_ids(const ImaRule& rule) {
  std::string text;
  if (rule.has(kUid)) text += show_id("uid", rule.uid);
  if (rule.has(kEuid)) text += show_id("euid", rule.uid);
  if (rule.has(kGid)) text += show_id("gid", rule.gid);
  if (rule.has(kEgid)) text += show_id("egid", rule.gid);
  if (rule.has(kFowner)) text += show_id("fowner", rule.fowner);
  if (rule.has(kFgroup)) text += show_id("fgroup", rule.fgroup);
  return text;
}

std::string show_mask(const ImaRule& rule) {
  const std::string_view name = rule.mask == kMayExec    ? "MAY_EXEC"
                                : rule.mask == kMayWrite ? "MAY_WRITE"
                                : rule.mask == kMayRead  ? "MAY_READ"
                                                         : "MAY_APPEND";
  return fmt::format("mask={}{} ", rule.has(kInMask) ? "^" : "", name);
}

std::string show_uuid(const FsUuid& uuid) {
  std::string text = "fsuuid=";
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", uuid[i]);
  }
  return text + ' ';
}

// Filled in through a buffer of 64 bytes.
std::string_view cut(std::string_view text) { return text.substr(0, 63); }

std::string show_filesystem(const ImaRule& rule) {
  std::string text;
  if (rule.has(kFsMagic)) text += fmt::format("fsmagic=0x{:x} ", rule.fsmagic);
  if (rule.has(kFsName)) text += fmt::format("fsname={} ", cut(rule.fsname));
  if (rule.has(kFsSubtype)) text += fmt::format("fs_subtype={} ", cut(rule.fs_subtype));
  return text;
}

std::string show_algos(std::uint32_t allowed) {
  std::vector<std::string_view> names;
  for (const HashAlgo& algo : hash_algos())
    if ((allowed >> algo.number & 1U) != 0) names.push_back(algo.name);
  return fmt::format("appraise_algos={} ", fmt::join(names, ","));
}

std::string show_requirements(Walk& walk, const ImaRule& rule) {
  std::string text;
  // Up to 6.12 sigv3 has no flag of its own, and is what signatures of fs-verity digests are.
  const std::uint32_t sigv3 =
      walk.covers(Scope::since(kAnchor72)) ? kSigv3Required : kVerityRequired;
  if (rule.has(kDigsigRequired))
    text += rule.has(sigv3)            ? "appraise_type=sigv3 "
            : rule.has(kModsigAllowed) ? "appraise_type=imasig|modsig "
                                       : "appraise_type=imasig ";
  if (rule.has(kVerityRequired)) text += "digest_type=verity ";
  if (rule.has(kCheckBlacklist) && walk.covers(Scope::until(kAnchor61)))
    text += "appraise_flag=check_blacklist ";
  if (rule.has(kPermitDirectio)) text += "permit_directio ";
  return text;
}

}  // namespace

std::string show_ima_rule(Walk& walk, const ImaRule& rule) {
  if (rule.is_inactive()) return {};
  std::string text = fmt::format("{} ", ima_action_name(rule.action));
  if (rule.has(kFunc)) text += fmt::format("func={} ", ima_hook_name(rule.func));
  if (rule.has(kMask | kInMask)) text += show_mask(rule);
  text += show_filesystem(rule);
  if (rule.has(kKeyrings)) text += fmt::format("keyrings={} ", fmt::join(rule.keyrings, "|"));
  if (rule.has(kLabel)) text += fmt::format("label={} ", fmt::join(rule.data_labels, "|"));
  if (rule.has(kPcr)) text += fmt::format("pcr={} ", rule.pcr);
  if (rule.has(kFsUuid)) text += show_uuid(rule.fsuuid);
  text += show_ids(rule);
  if (rule.has(kValidateAlgos)) text += show_algos(rule.allowed_algos);
  for (std::size_t i = 0; i < rule.labels.size(); ++i)
    if (rule.labels[i].present)
      text +=
          fmt::format("{}={} ", label_kind_name(static_cast<LabelKind>(i)), rule.labels[i].text);
  if (rule.tmpl) text += fmt::format("template={} ", rule.tmpl->name);
  return text + show_requirements(walk, rule);
}

}  // namespace assay
