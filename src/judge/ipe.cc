#include "judge/ipe.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "judge/rules.h"

namespace assay {

namespace {

namespace rule = rules::ipe;

Truth known(std::optional<bool> value) { return value ? truth(*value) : Truth::unknown; }

class Evaluation {
 public:
  Evaluation(Walk& walk, const IpeFile& file, const KernelConfig& config)
      : walk_(walk), file_(file), config_(config) {}

  bool matches(const IpeRule& one) {
    for (const IpeCondition& condition : one.conditions)
      if (!matches(condition)) return false;
    return true;
  }

 private:
  // Without its option a property is never met, not even the negative one.
  bool matches(const IpeCondition& condition) {
    switch (condition.property) {
      case IpeProperty::boot_verified_false:
        return !settle(known(file_.from_initramfs), "artifact: from the initramfs");
      case IpeProperty::boot_verified_true:
        return settle(known(file_.from_initramfs), "artifact: from the initramfs");
      case IpeProperty::dmverity_roothash:
        return has("CONFIG_IPE_PROP_DM_VERITY") &&
               is("dm-verity", condition.digest, file_.dmverity_roothash, file_.has_dmverity);
      case IpeProperty::dmverity_signature_false:
        return has("CONFIG_IPE_PROP_DM_VERITY_SIGNATURE") &&
               !settle(known(file_.dmverity_signed), "artifact: dm-verity signature");
      case IpeProperty::dmverity_signature_true:
        return has("CONFIG_IPE_PROP_DM_VERITY_SIGNATURE") &&
               settle(known(file_.dmverity_signed), "artifact: dm-verity signature");
      case IpeProperty::fsverity_digest:
        return has("CONFIG_IPE_PROP_FS_VERITY") &&
               is("fs-verity", condition.digest, file_.fsverity_digest, file_.has_fsverity);
      case IpeProperty::fsverity_signature_false:
        return has("CONFIG_IPE_PROP_FS_VERITY_BUILTIN_SIG") &&
               !settle(known(file_.fsverity_signed), "artifact: fs-verity signature");
      case IpeProperty::fsverity_signature_true:
        return has("CONFIG_IPE_PROP_FS_VERITY_BUILTIN_SIG") &&
               settle(known(file_.fsverity_signed), "artifact: fs-verity signature");
    }
    return false;
  }

  bool settle(Truth value, std::string_view key) { return walk_.settle(value, key); }

  bool has(std::string_view option) {
    return walk_.settle(config_.is_on(option), fmt::format("config: {}", option));
  }

  // A digest that is known but may not be in force is open only where it is the one asked for; of
  // one that is not known each that is asked for is a question of its own.
  bool is(std::string_view what, const IpeDigest& wanted, const std::optional<IpeDigest>& digest,
          std::optional<bool> is_there) {
    if (is_there == false || (digest && *digest != wanted)) return false;
    if (digest) return settle(known(is_there), fmt::format("artifact: {}", what));
    return settle(Truth::unknown,
                  fmt::format("artifact: {} {}:{}", what, wanted.algorithm, to_hex(wanted.bytes)));
  }

  Walk& walk_;
  const IpeFile& file_;
  const KernelConfig& config_;
};

}  // namespace

IpeFile IpeFile::memory() {
  IpeFile file = plain();
  file.from_initramfs = false;
  return file;
}

IpeFile IpeFile::plain() {
  IpeFile file;
  file.has_dmverity = file.dmverity_signed = false;
  file.has_fsverity = file.fsverity_signed = false;
  return file;
}

Ending judge_ipe(Walk& walk, const IpeState& state, IpeOp op, const IpeFile& file,
                 const KernelConfig& config) {
  const Ending open{Decision::allowed_unverified, {}};
  if (!state.policy || !walk.applies(rule::allowed) ||
      !walk.settle(config.is_on("CONFIG_SECURITY_IPE"), "config: CONFIG_SECURITY_IPE"))
    return open;
  const IpeTable& table = state.policy->table(op);
  Evaluation evaluation(walk, file, config);
  IpeAction action = table.otherwise.value_or(state.policy->otherwise.value_or(IpeAction::deny));
  std::string by = table.otherwise ? fmt::format("DEFAULT op={}", ipe_op_name(op)) : "DEFAULT";
  for (const IpeRule& one : table.rules) {
    if (!evaluation.matches(one)) continue;
    action = one.action;
    by = fmt::format("line {}", one.line);
    break;
  }
  const Outcome bad = walk.check(rule::allowed, action == IpeAction::allow, {}, [&] {
    return fmt::format("op={}, {} of policy {}", ipe_op_name(op), by, state.policy->name);
  });
  if (!bad.failed()) return state.enforces ? Ending{Decision::allowed, {}} : open;
  if (!state.enforces) return {Decision::allowed_unverified, {Errno::none, bad.step}};
  return {Decision::refused, bad};
}

}  // namespace assay
