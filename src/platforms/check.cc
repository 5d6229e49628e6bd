#include "platforms/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bytes/content.h"
#include "judge/module_sig.h"
#include "platforms/ima_outlook.h"
#include "platforms/sample_image.h"
#include "trust/module_keyrings.h"

namespace assay {

namespace {

std::string answer_of(const Verdict& verdict) {
  if (!verdict.refused_with.empty()) {
    std::vector<std::string_view> errors;
    for (const Errno err : verdict.refused_with) errors.push_back(errno_name(err));
    return fmt::format("refused ({})", fmt::join(errors, " or "));
  }
  if (verdict.decision == Decision::undetermined) return "not known";
  std::string answer(decision_name(verdict.decision));
  if (verdict.err != Errno::none) answer += fmt::format(" ({})", errno_name(verdict.err));
  return answer;
}

std::string answer_of(Truth truth) {
  switch (truth) {
    case Truth::no: return "no";
    case Truth::yes: return "yes";
    case Truth::unknown: break;
  }
  return "not known";
}

class Checker {
 public:
  explicit Checker(const Platform& platform)
      : platform_(platform), ima_(ima_for_kexec(platform)), outlook_(ima_outlook(platform)) {}

  std::vector<CheckRow> check() && {
    check_modules();
    check_kexec();
    check_keys();
    check_ima();
    return std::move(rows_);
  }

 private:
  template <class Run>
  void ask(std::string_view area, std::string_view subject, std::string_view function, Run run) {
    const Verdict verdict = conclude(platform_.kernel, true, run);
    CheckRow row{area, subject, answer_of(verdict), {}, std::string(function), {}};
    // What is open decides nothing where every answer ends in a refusal.
    if (verdict.refused_with.empty()) row.open = verdict.open;
    if (verdict.deciding != nullptr) {
      row.because = fmt::format("{}: {}", verdict.deciding->id, verdict.deciding->fails);
      row.kernel_function = verdict.deciding->site;
    }
    rows_.push_back(std::move(row));
  }

  void state(std::string_view area, std::string_view subject, std::string answer,
             std::string because, std::string_view function, std::vector<std::string> open = {}) {
    rows_.push_back({area, subject, std::move(answer), std::move(because), std::string(function),
                     std::move(open)});
  }

  void check_modules() {
    const auto load = [&](const ModuleRequest& request) {
      return [this, request](Walk& walk) {
        return module_sig_check(walk, AppendedEvidence(), request, platform_);
      };
    };
    ask("modules", "a module without a signature", "module_sig_check", load({}));
    ask("modules", "a module forced over another kernel's vermagic", "module_sig_check",
        load({false, true}));
  }

  void check_kexec() {
    const MemoryContent image(sample_image(platform_.kernel));
    const auto evidence = collect_kexec(image, {});
    if (evidence) {
      ask("kexec", "kexec_file_load of an image without a signature", "kimage_validate_signature",
          [&](Walk& walk) {
            std::optional<Outcome> signature;
            return kexec_file_load(walk, *evidence, {}, platform_, ima_, signature);
          });
    }
    ask("kexec", "kexec_load", "kexec_load_check",
        [&](Walk& walk) { return kexec_load(walk, platform_, ima_); });
    const Truth appraised = appraised_for("KEXEC_INITRAMFS_CHECK");
    state("kexec", "the initrd of kexec_file_load is checked", answer_of(appraised),
          "IMA alone can", "kimage_file_prepare_segments", open_of(appraised));
  }

  // .secondary_trusted_keys and what is linked into it.
  std::string searched_first() const {
    if (platform_.has_no(Ring::secondary_trusted_keys)) return ".builtin_trusted_keys";
    std::string text = ".secondary_trusted_keys with .builtin_trusted_keys";
    const bool has_machine =
        platform_.config.is_on("CONFIG_INTEGRITY_MACHINE_KEYRING") != Truth::no;
    if (has_machine && platform_.state.mok_list_trusted.value_or(true)) text += " and .machine";
    return text;
  }

  void check_keys() {
    const Truth has_platform = platform_.config.is_on("CONFIG_INTEGRITY_PLATFORM_KEYRING");
    const auto with_platform = [&](bool is_searched) {
      return searched_first() +
             (is_searched && has_platform != Truth::no ? ", then .platform" : "");
    };
    const bool in_modules = kModulesSearchPlatform.covers_variant(platform_.kernel.variant);
    state("keys", "modules are verified with", with_platform(in_modules),
          in_modules ? "a patch of this distribution searches .platform too"
                     : "upstream searches no .platform for modules",
          "mod_verify_sig");
    if (platform_.config.is_on("CONFIG_KEXEC_SIG") != Truth::no)
      state(
          "keys", "kexec images are verified with", with_platform(true), "",
          platform_.kernel.arch == Arch::s390x ? "s390_verify_sig" : "kexec_kernel_verify_pe_sig");
    check_revocation();
  }

  void check_revocation() {
    const Truth is_on = platform_.config.is_on("CONFIG_SYSTEM_REVOCATION_LIST");
    const Truth only_platform = Scope::until(kAnchor61).covers(platform_.kernel);
    std::string answer = answer_of(is_on);
    std::vector<std::string> open;
    if (is_on == Truth::unknown) open.emplace_back("config: CONFIG_SYSTEM_REVOCATION_LIST");
    if (is_on == Truth::yes && only_platform == Truth::yes) answer = "for keys of .platform only";
    if (is_on == Truth::yes && only_platform == Truth::unknown) {
      answer = "not known for which rings";
      open.emplace_back("kernel.version");
    }
    state("keys", "revoked certificates are consulted", std::move(answer),
          "CONFIG_SYSTEM_REVOCATION_LIST", "verify_pkcs7_message_sig", std::move(open));
  }

  Truth appraised_for(std::string_view func) const {
    if (platform_.config.is_on("CONFIG_IMA_APPRAISE") == Truth::no) return Truth::no;
    return is_appraised(outlook_, func);
  }

  std::vector<std::string> open_of(Truth truth) const {
    if (truth != Truth::unknown) return {};
    return outlook_.open;
  }

  void check_ima() {
    const std::string because = outlook_.is_whole()
                                    ? "the rules in force"
                                    : "the rules that boot puts in force; others may be loaded";
    struct Subject {
      std::string_view appraised;
      std::string_view measured;
      std::string_view func;
    };
    for (const Subject& one :
         {Subject{"modules are appraised", "modules are measured", "MODULE_CHECK"},
          Subject{"kexec images are appraised", "kexec images are measured",
                  "KEXEC_KERNEL_CHECK"}}) {
      const Truth appraised = appraised_for(one.func);
      state("ima", one.appraised, answer_of(appraised), because, "process_measurement",
            open_of(appraised));
      const Truth measured = is_measured(outlook_, one.func);
      state("ima", one.measured, answer_of(measured), because, "process_measurement",
            open_of(measured));
    }
    state("ima", "an IMA signature stands in for a kexec signature under lockdown",
          answer_of(ima_.appraises_signature), "CONFIG_INTEGRITY_TRUSTED_KEYRING and such a rule",
          "ima_appraise_signature", open_of(ima_.appraises_signature));
  }

  const Platform& platform_;
  const ImaForKexec ima_;
  const ImaOutlook outlook_;
  std::vector<CheckRow> rows_;
};

}  // namespace

std::vector<CheckRow> check_platform(const Platform& platform) { return Checker(platform).check(); }

}  // namespace assay
