#include <fmt/format.h>

#include <algorithm>

#include "platforms/check.h"
#include "platforms/ima_outlook.h"
#include "trust/module_keyrings.h"

namespace assay {

namespace {

// The platform as a gap asks it: what is not known is noted.
class Facts {
 public:
  explicit Facts(const Platform& platform) : platform_(platform) {}

  const Platform& platform() const { return platform_; }
  Arch arch() const { return platform_.kernel.arch; }
  std::vector<std::string> take_open() { return std::move(open_); }

  Truth on(std::string_view option) {
    return note(platform_.config.is_on(option), fmt::format("config: {}", option));
  }
  Truth locked_down() { return note(platform_.locked_down(Lockdown::integrity), "state.lockdown"); }
  Truth secure_boot() { return note(platform_.secure_boot(), "state.secure_boot"); }
  Truth sig_enforce() { return note(platform_.sig_enforce(), "state.sig_enforce"); }
  Truth kexec_sig_enforce() { return note(platform_.kexec_sig_enforce(), "state.secure_boot"); }
  Truth is(const std::optional<bool>& fact, std::string_view key) {
    return note(fact ? truth(*fact) : Truth::unknown, key);
  }
  Truth appraised(std::string_view func) {
    if (platform_.config.is_on("CONFIG_IMA_APPRAISE") == Truth::no) return Truth::no;
    const ImaOutlook outlook = ima_outlook(platform_);
    const Truth appraised = is_appraised(outlook, func);
    if (appraised == Truth::unknown)
      for (const std::string& open : outlook.open) note(appraised, open);
    return appraised;
  }
  Truth covers(const Scope& scope) {
    return note(scope.covers(platform_.kernel), "kernel.version");
  }

 private:
  Truth note(Truth truth, std::string_view key) {
    if (truth == Truth::unknown && std::ranges::find(open_, key) == open_.end())
      open_.emplace_back(key);
    return truth;
  }

  const Platform& platform_;
  std::vector<std::string> open_;
};

bool verifies_pe(Arch arch) { return arch == Arch::x86_64 || arch == Arch::arm64; }

// Conditions that settle a gap are asked first, so that what does not matter is not called open.
// Each is a row of gaps.def.
Truth unsigned_modules_load(Facts& facts) {
  return facts.on("CONFIG_MODULE_SIG") && !facts.sig_enforce() && !facts.locked_down();
}
Truth no_module_check(Facts& facts) {
  return facts.on("CONFIG_MODULES") && !facts.on("CONFIG_MODULE_SIG");
}
Truth lockdown_without_module_sig(Facts& facts) {
  return no_module_check(facts) && facts.locked_down();
}
Truth platform_keys_for_modules(Facts& facts) {
  return truth(kModulesSearchPlatform.covers_variant(facts.platform().kernel.variant)) &&
         facts.on("CONFIG_MODULE_SIG") && facts.on("CONFIG_INTEGRITY_PLATFORM_KEYRING");
}
Truth module_hashes_unused(Facts& facts) {
  // mod_is_hash_blacklisted: Debian's kernels up to 6.12.
  constexpr Scope kConsulted = Scope::until(kAnchor612).in(Variant::debian);
  if (!facts.platform().signatures.blocklist.has_any(kBlockedBinary)) return Truth::no;
  return facts.on("CONFIG_MODULE_SIG") && !facts.covers(kConsulted);
}
Truth revocation_off(Facts& facts) {
  return facts.on("CONFIG_SYSTEM_BLACKLIST_KEYRING") && !facts.on("CONFIG_SYSTEM_REVOCATION_LIST");
}
Truth revocation_of_platform_only(Facts& facts) {
  return facts.on("CONFIG_SYSTEM_REVOCATION_LIST") && facts.covers(Scope::until(kAnchor61));
}
Truth certificate_hashes_never_match(Facts& facts) {
  constexpr std::size_t kWithTime = 4 + 96;  // "tbs:", 32 bytes of hash and 16 of time
  return truth(std::ranges::any_of(
      facts.platform().signatures.blocklist.entries(), [](const std::string& entry) {
        return entry.starts_with(kBlockedTbs) && entry.size() == kWithTime;
      }));
}
Truth machine_is_empty(Facts& facts) {
  const PlatformState& state = facts.platform().state;
  return facts.on("CONFIG_INTEGRITY_MACHINE_KEYRING") && facts.is(state.efi, "state.efi") &&
         !facts.is(state.mok_list_trusted, "state.mok_list_trusted");
}
Truth kexec_unchecked(Facts& facts) {
  return facts.on("CONFIG_KEXEC_FILE") && !facts.on("CONFIG_KEXEC_SIG") &&
         !facts.appraised("KEXEC_KERNEL_CHECK");
}
Truth kexec_without_check(Facts& facts) { return kexec_unchecked(facts) && facts.locked_down(); }
Truth kexec_not_enforced(Facts& facts) {
  return facts.on("CONFIG_KEXEC_FILE") && facts.on("CONFIG_KEXEC_SIG") &&
         !facts.kexec_sig_enforce() && !facts.locked_down();
}
Truth kexec_no_verifier(Facts& facts) {
  if (!verifies_pe(facts.arch())) return Truth::no;
  return facts.on("CONFIG_KEXEC_SIG") &&
         !facts.on(facts.arch() == Arch::x86_64 ? "CONFIG_KEXEC_BZIMAGE_VERIFY_SIG"
                                                : "CONFIG_KEXEC_IMAGE_VERIFY_SIG");
}
Truth kexec_s390_not_secure(Facts& facts) {
  if (facts.arch() != Arch::s390x) return Truth::no;
  return facts.on("CONFIG_KEXEC_SIG") &&
         !facts.is(facts.platform().state.ipl_secure, "state.ipl_secure");
}
Truth old_kexec_unchecked(Facts& facts) {
  const PlatformState& state = facts.platform().state;
  return facts.on("CONFIG_KEXEC") &&
         !facts.is(state.kexec_load_disabled, "state.kexec_load_disabled") &&
         !facts.locked_down() &&
         !(facts.on("CONFIG_IMA") && facts.on("CONFIG_KEXEC_SIG") && facts.secure_boot()) &&
         !facts.appraised("KEXEC_KERNEL_CHECK");
}
Truth initrd_unchecked(Facts& facts) {
  return facts.on("CONFIG_KEXEC_FILE") && !facts.appraised("KEXEC_INITRAMFS_CHECK");
}
Truth kexec_hashes_unused(Facts& facts) {
  if (!verifies_pe(facts.arch())) return Truth::no;
  return facts.on("CONFIG_KEXEC_FILE") && facts.on("CONFIG_KEXEC_SIG");
}
Truth ima_cannot_vouch(Facts& facts) {
  return facts.on("CONFIG_KEXEC_SIG") && facts.on("CONFIG_IMA_APPRAISE") &&
         !facts.on("CONFIG_INTEGRITY_TRUSTED_KEYRING");
}
Truth secure_boot_without_lockdown(Facts& facts) {
  return facts.secure_boot() && !facts.locked_down();
}
Truth ima_log_only(Facts& facts) {
  if (facts.platform().config.is_on("CONFIG_IMA_APPRAISE") == Truth::no) return Truth::no;
  const auto& mode = facts.platform().ima.appraise;
  if (mode) return truth(*mode != "enforce");
  const Truth named = facts.platform().has_option("ima_appraise=log") ||
                      facts.platform().has_option("ima_appraise=fix") ||
                      facts.platform().has_option("ima_appraise=off");
  return named == Truth::yes ? facts.on("CONFIG_IMA_APPRAISE_BOOTPARAM") : Truth::no;
}

struct GapRow {
  Truth (*holds)(Facts&);
  Gap gap;
};

const GapRow kGaps[] = {
#define GAP(holds, id, area, kernel_function, text, remedy) \
  {holds, {id, area, kernel_function, text, remedy, {}}},
#include "platforms/gaps.def"
#undef GAP
};

}  // namespace

std::vector<Gap> find_gaps(const Platform& platform) {
  std::vector<Gap> found;
  for (const GapRow& row : kGaps) {
    Facts facts(platform);
    const Truth holds = row.holds(facts);
    if (holds == Truth::no) continue;
    Gap gap = row.gap;
    if (holds == Truth::unknown) gap.open = facts.take_open();
    found.push_back(std::move(gap));
  }
  return found;
}

}  // namespace assay
