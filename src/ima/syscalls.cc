#include "ima/syscalls.h"

#include <fmt/format.h>

#include "ima/rules.h"

namespace assay {

namespace rule = rules::ima;

namespace {

bool is_on(Walk& walk, const KernelConfig& config, std::string_view option) {
  return walk.settle(config.is_on(option), fmt::format("config: {}", option));
}

bool enforces(const ImaState& state, std::uint32_t bit) {
  return state.enforces() && (state.appraise() & bit) != 0;
}

}  // namespace

Outcome ima_load_module(Walk& walk, const ImaState& state, Truth sig_enforced) {
  const bool asked = enforces(state, appraise_mode::kModules);
  return walk.check(rule::module_file, asked ? sig_enforced : Truth::yes, "state.sig_enforce",
                    [] { return std::string(); });
}

Outcome ima_load_kexec(Walk& walk, const ImaState& state, const KernelConfig& config,
                       Truth secure_boot) {
  if (!is_on(walk, config, "CONFIG_IMA")) return {};
  const bool deaf_61 = walk.covers(Scope::until(kAnchor61)) &&
                       !is_on(walk, config, "CONFIG_IMA_SECURE_AND_OR_TRUSTED_BOOT");
  const bool signed_only = !deaf_61 && is_on(walk, config, "CONFIG_KEXEC_SIG") &&
                           walk.settle(secure_boot, "state.secure_boot");
  if (const Outcome bad = walk.check(rule::kexec_secure_boot, !signed_only); bad.failed())
    return bad;
  return walk.check(rule::kexec_file, !enforces(state, appraise_mode::kKexec));
}

Outcome ima_load_firmware(Walk& walk, const ImaState& state) {
  return walk.check(rule::firmware_file, !enforces(state, appraise_mode::kFirmware));
}

// Up to 6.1 there is one hook for mappings. Whatever ima_appraise= says, this is refused.
Outcome ima_mprotect(Walk& walk, const ImaState& state, const ImaEvent& event,
                     const ImaFile& file) {
  if (!state.classes().appraise) return {};
  ImaEvent asked = event;
  asked.mask = kMayExec;
  bool appraised = false;
  for (const ImaHook hook : {ImaHook::mmap_check, ImaHook::mmap_check_reqprot}) {
    if (hook == ImaHook::mmap_check_reqprot && !walk.covers(Scope::since(kAnchor612))) continue;
    asked.hook = hook;
    const ImaMatch match = match_ima_policy(walk, state, {true, true, true, true}, asked, file);
    appraised = appraised || match.actions.appraise;
  }
  return walk.check(rule::mprotect, !appraised);
}

Outcome ima_set_xattr(Walk& walk, const ImaKernel& kernel, const ImaXattr& value, Truth is_admin,
                      std::string& audited) {
  if (const Outcome bad = walk.check(rule::set_admin, is_admin, "subject: CAP_SYS_ADMIN",
                                     [] { return std::string(); });
      bad.failed())
    return bad;
  constexpr std::uint8_t kFirstInvalid = 7;
  const bool typed = !value.bytes.empty() && value.type < kFirstInvalid;
  if (const Outcome bad = walk.check(rule::set_type, typed, value.bytes.extent()); bad.failed())
    return bad;
  const HashAlgo& algo = ima_hash_algo(walk, value, kernel.state.hash());
  const auto name = [&] { return std::string(algo.name); };
  if (const std::uint32_t allowed = kernel.state.setxattr_algos(); allowed != 0) {
    const Outcome bad = walk.check(rule::set_algorithm, (allowed >> algo.number & 1U) != 0,
                                   value.bytes.extent(), name);
    if (bad.failed()) audited = "denied-hash-algorithm";
    return bad;
  }
  const bool available = &algo == &kernel.state.hash() ||
                         walk.settle(has_hash_algo(algo, kernel.signatures.crypto, kernel.config),
                                     fmt::format("algorithm: {}", algo.name));
  const Outcome bad = walk.check(rule::set_available, available, value.bytes.extent(), name);
  if (bad.failed()) audited = "unavailable-hash-algorithm";
  return bad;
}

// evm_inode_setxattr. What EVM then thinks of the file's other attributes is left to evm_verify.
Outcome evm_set_xattr(Walk& walk, const ImaKernel& kernel, const ImaXattr& value) {
  if (!is_on(walk, kernel.config, "CONFIG_EVM")) return {};
  if (const Outcome bad = walk.check(rule::set_evm_size, !value.bytes.empty()); bad.failed())
    return bad;
  const bool is_signature =
      value.is(ImaXattrType::signature) || value.is(ImaXattrType::portable_signature);
  return walk.check(rule::set_evm_type, is_signature, value.bytes.extent());
}

bool ima_appraise_signature(Walk& walk, const ImaState& state, const KernelConfig& config,
                            ImaHook hook, Truth locked_down) {
  if (!is_on(walk, config, "CONFIG_IMA_APPRAISE") ||
      !is_on(walk, config, "CONFIG_INTEGRITY_TRUSTED_KEYRING"))
    return false;
  if (hook == ImaHook::kexec_kernel_check && !state.enforces() &&
      walk.settle(locked_down, "state.lockdown"))
    return false;
  for (const PolicyRule& each : state.rules()) {
    if (each.rule.action != ImaAction::appraise) continue;
    if (each.rule.func != ImaHook::none && each.rule.func != hook) continue;
    return each.rule.has(ima_flag::kDigsigRequired);
  }
  return false;
}

}  // namespace assay
