#include "ima/policy_validate.h"

#include "ima/rules.h"

namespace assay {

namespace {

namespace rule = rules::ima_policy;
using namespace ima_flag;

constexpr std::uint32_t kFileConditions = kFunc | kMask | kInMask | kFsMagic | kFsName |
                                          kFsSubtype | kFsUuid | kUid | kEuid | kGid | kEgid |
                                          kFowner | kFgroup | kPcr;
constexpr std::uint32_t kAnyFile =
    kFileConditions | kDigsigRequired | kPermitDirectio | kValidateAlgos | kSigv3Required;
constexpr std::uint32_t kContent = kAnyFile | kModsigAllowed | kCheckBlacklist;
constexpr std::uint32_t kCmdline = kFileConditions & ~(kMask | kInMask);
constexpr std::uint32_t kKey = kFunc | kUid | kGid | kPcr | kKeyrings;
constexpr std::uint32_t kData = kFunc | kUid | kGid | kPcr | kLabel;
constexpr std::uint32_t kSetxattr = kFunc | kValidateAlgos;

class Validator {
 public:
  Validator(Walk& walk, const ImaRule& rule, Extent where)
      : walk_(walk), rule_(rule), where_(where) {}

  Outcome run() {
    if (const Outcome bad = check_action(); bad.failed()) return bad;
    if (const Outcome bad = check_func(); bad.failed()) return bad;
    // From 6.12 on, whatever asks for the blacklist asks for a signature too.
    const bool flag_alone = rule_.has(kCheckBlacklist) && !rule_.has(kModsigAllowed);
    if (const Outcome bad = check(rule::blacklist_modsig, !flag_alone); bad.failed()) return bad;
    const bool unsigned_verity = rule_.action == ImaAction::appraise &&
                                 rule_.has(kVerityRequired) && !rule_.has(kDigsigRequired);
    return check(rule::verity_signature, !unsigned_verity);
  }

 private:
  Outcome check(const Rule& row, bool holds) { return walk_.check(row, holds, where_); }
  Outcome check_only(const Rule& row, std::uint32_t allowed) {
    return check(row, (rule_.flags & ~allowed) == 0);
  }

  Outcome check_action() {
    if (const Outcome bad = check(rule::has_action, rule_.action != ImaAction::none); bad.failed())
      return bad;
    if (const Outcome bad =
            check(rule::pcr_measures, rule_.action == ImaAction::measure || !rule_.has(kPcr));
        bad.failed())
      return bad;
    constexpr std::uint32_t kRequires =
        kDigsigRequired | kModsigAllowed | kCheckBlacklist | kValidateAlgos;
    return check(rule::requires_appraise,
                 rule_.action == ImaAction::appraise || !rule_.has(kRequires));
  }

  Outcome check_func() {
    switch (rule_.func) {
      case ImaHook::module_check:
      case ImaHook::kexec_kernel_check:
      case ImaHook::kexec_initramfs_check: return check_only(rule::content_conditions, kContent);
      case ImaHook::kexec_cmdline:
        if (const Outcome bad = check(rule::cmdline_action, measures()); bad.failed()) return bad;
        return check_only(rule::cmdline_conditions, kCmdline);
      case ImaHook::key_check:
        if (const Outcome bad = check(rule::key_action, measures()); bad.failed()) return bad;
        if (const Outcome bad = check_only(rule::key_conditions, kKey); bad.failed()) return bad;
        return check(rule::key_labels, !rule_.has_labels());
      case ImaHook::critical_data:
        if (const Outcome bad = check(rule::data_action, measures()); bad.failed()) return bad;
        if (const Outcome bad = check_only(rule::data_conditions, kData); bad.failed()) return bad;
        return check(rule::data_labels, !rule_.has_labels());
      case ImaHook::setxattr_check: return check_setxattr();
      default: return check_file();
    }
  }

  Outcome check_file() {
    const std::uint32_t blacklist = walk_.covers(Scope::since(kAnchor612)) ? kCheckBlacklist : 0;
    return check_only(rule::file_conditions, kAnyFile | kVerityRequired | blacklist);
  }

  Outcome check_setxattr() {
    if (const Outcome bad = check(rule::setxattr_action, rule_.action == ImaAction::appraise);
        bad.failed())
      return bad;
    if (const Outcome bad = check(rule::setxattr_algos, rule_.has(kValidateAlgos)); bad.failed())
      return bad;
    return check_only(rule::setxattr_conditions, kSetxattr);
  }

  bool measures() const { return ima_action_class(rule_.action) == ImaAction::measure; }

  Walk& walk_;
  const ImaRule& rule_;
  Extent where_;
};

}  // namespace

Outcome validate_ima_rule(Walk& walk, const ImaRule& rule, Extent where) {
  return Validator(walk, rule, where).run();
}

}  // namespace assay
