// assay ima: what IMA makes of a policy.

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/limits.h"
#include "base/name.h"
#include "bytes/content.h"
#include "cli/command.h"
#include "cli/fact_arguments.h"
#include "report/policy_report.h"
#include "trust/platform.h"

namespace assay {

namespace {

Result<std::vector<std::uint8_t>> read_text(const std::string& path) {
  ASSAY_TRY(const auto file, open_file(path));
  if (file->size() > limits::kConfig)
    return fail(Reason::limit_size, {0, file->size()}, "a policy or configuration");
  std::vector<std::uint8_t> bytes(file->size());
  ASSAY_CHECK(file->read(0, bytes));
  return bytes;
}

class ImaCommand final : public Command {
 public:
  const char* name() const override { return "ima"; }
  const char* purpose() const override { return "what IMA makes of a policy"; }
  const char* arguments() const override { return "policy check|explain|diff FILE..."; }
  const char* notes() const override {
    return R"(policy check: what the kernel's parser makes of each rule, and what is odd about those it takes.

policy explain: what becomes of a file at a hook, rule by rule: which condition does not hold, which
rules match, and what they require. The file is described by options, or is --file, as it lies.

policy diff: which files change their fate between two policies, or with --second-kernel-version
between two kernels; at every hook of files, or at that of --func.

Exit status of diff: 0 no difference, 1 some, 2 something could not be found out. Of check and
explain: 0 every rule is taken, 1 some rule is refused, 2 something could not be found out.

Examples:
  assay ima policy check --kernel-version 6.1 /etc/ima/ima-policy
  assay ima policy check --config /boot/config-6.12.0-amd64 --json policy | jq .shown
  assay ima policy explain --func BPRM_CHECK --file /usr/bin/passwd policy
  assay ima policy diff old new --file /usr/bin/passwd --file /usr/lib/firmware/regulatory.db
  assay ima policy explain --func MODULE_CHECK --fowner 0 --fsmagic 0x1021994 policy
)";
  }

  void add_options(CLI::App& app) override {
    policy_ = app.add_subcommand("policy", "IMA policies");
    check_ = policy_->add_subcommand("check", "hold a policy against the kernel's parser");
    explain_ = policy_->add_subcommand("explain", "which rules a file meets at a hook");
    diff_ = policy_->add_subcommand("diff", "which files change their fate between two policies");
    for (CLI::App* each : {check_, explain_, diff_}) {
      each->add_option("FILE", path_, "a policy")->option_text(" ");
      each->add_option("--kernel-version", version_, "the kernel that is asked (default: 7.2)")
          ->type_name("V")
          ->option_text("V");
      each->add_option("--config", config_, "its Kconfig file, on which some words depend")
          ->type_name("FILE")
          ->option_text("FILE");
    }
    diff_->add_option("SECOND", second_, "the other policy")->option_text(" ");
    diff_
        ->add_option("--second-kernel-version", second_version_,
                     "the kernel that has the second policy (default: the same)")
        ->type_name("V")
        ->option_text("V");
    for (CLI::App* each : {explain_, diff_}) {
      each->add_option("--func", func_, "the hook: BPRM_CHECK, FILE_CHECK, MODULE_CHECK ...")
          ->type_name("HOOK")
          ->option_text("HOOK");
      each->add_option("--file", files_, "the file whose owner and file system are meant")
          ->type_name("PATH")
          ->option_text("PATH")
          ->allow_extra_args(false);
      facts_.add_options(*each);
    }
    for (CLI::App* each : {policy_, check_, explain_, diff_}) each->fallthrough();
  }

  Result<void> check() const override {
    if (!policy_->parsed()) return fail(Reason::usage, {}, "policy is missing");
    if (!check_->parsed() && !explain_->parsed() && !diff_->parsed())
      return fail(Reason::usage, {}, "check, explain or diff is missing");
    if (explain_->parsed() && func_.empty()) return fail(Reason::usage, {}, "--func is missing");
    if (explain_->parsed() && files_.size() > 1)
      return fail(Reason::usage, {}, "explain takes one --file");
    if (!func_.empty() && find_ima_func(func_) == nullptr)
      return fail(Reason::usage, {}, "unknown hook " + encode_name(func_));
    if (diff_->parsed() && second_.empty()) return fail(Reason::usage, {}, "SECOND is missing");
    if (!second_version_.empty() && !find_kernel_version(second_version_))
      return fail(Reason::usage, {}, "unknown kernel version " + encode_name(second_version_));
    ASSAY_CHECK(facts_.read());
    if (path_.empty()) return fail(Reason::usage, {}, "FILE is missing");
    if (!version_.empty() && !find_kernel_version(version_))
      return fail(Reason::usage, {}, "unknown kernel version " + encode_name(version_));
    return {};
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    if (!version_.empty()) kernel_.version = *find_kernel_version(version_);
    const std::string path = encode_name(path_);
    if (explain_->parsed()) return explain(common, output, path);
    if (diff_->parsed()) return compare(common, output);
    const auto checked = check_policy();
    if (!checked) {
      output.error(with_path(checked.error(), path));
      return kUndetermined;
    }
    ExitStatus status = kGood;
    for (const CheckedPolicyLine& line : *checked) {
      output.print(common.json ? to_json(line, path) + '\n'
                               : to_text(line, path, common.text_style()));
      if (line.accepted == Truth::no) status = kBad;
      if (line.accepted == Truth::unknown && status == kGood) status = kUndetermined;
    }
    if (!common.json && !common.quiet)
      output.warn(fmt::format("{} rules, by the parser of {}", checked->size(),
                              to_string(kernel_.version)));
    return status;
  }

 private:
  ExitStatus explain(const CommonOptions& common, Output& output, const std::string& path) const {
    const auto explained = explain_policy(path_, kernel_, files_.empty() ? "" : files_.front(),
                                          find_ima_func(func_)->hook);
    if (!explained) {
      output.error(with_path(explained.error(), path));
      return kUndetermined;
    }
    const ImaHook hook = find_ima_func(func_)->hook;
    output.print(common.json ? to_json(*explained, path, hook) : to_text(*explained, path, hook));
    if (explained->refused_line != 0) return kBad;
    return explained->open.empty() ? kGood : kUndetermined;
  }

  // Every file, at every hook that has files.
  ExitStatus compare(const CommonOptions& common, Output& output) const {
    KernelId other = kernel_;
    if (!second_version_.empty()) other.version = *find_kernel_version(second_version_);
    std::vector<std::string> files = files_;
    if (files.empty()) files.emplace_back();  // the one that the options describe
    ExitStatus status = kGood;
    for (const std::string& file : files)
      for (const ImaHook hook : hooks_to_compare()) {
        const auto first = explain_policy(path_, kernel_, file, hook);
        const auto second = explain_policy(second_, other, file, hook);
        if (!first || !second) {
          output.error(first ? second.error() : first.error());
          return kUndetermined;
        }
        if (status == kGood && !(first->open.empty() && second->open.empty()))
          status = kUndetermined;
        const PolicyDifference difference{encode_name(file), hook, describe_fate(*first),
                                          describe_fate(*second)};
        if (difference.first == difference.second) continue;
        status = kBad;
        output.print(common.json ? to_json(difference) + '\n' : to_text(difference));
      }
    return status;
  }

  std::vector<ImaHook> hooks_to_compare() const {
    if (!func_.empty()) return {find_ima_func(func_)->hook};
    return {ImaHook::file_check,   ImaHook::mmap_check,         ImaHook::bprm_check,
            ImaHook::creds_check,  ImaHook::module_check,       ImaHook::firmware_check,
            ImaHook::policy_check, ImaHook::kexec_kernel_check, ImaHook::kexec_initramfs_check};
  }

  Result<ExplainedPolicy> explain_policy(const std::string& policy_path, const KernelId& kernel,
                                         const std::string& file, ImaHook hook) const {
    ASSAY_TRY(KernelConfig config, read_config());
    if (!config.is_known()) config = config_with_all_of_ima();
    ASSAY_TRY(const FileFacts facts, facts_.read());
    ASSAY_TRY(const ImaEvidence evidence, collect_ima_file(ViewContent(View()), file, facts, {}));
    ImaEvent event;
    event.hook = hook;
    event.mask = facts.mask.value_or(usual_mask(event.hook));
    if (facts.uid) event.subject = ImaSubject::with_ids(*facts.uid, *facts.uid);
    ASSAY_TRY(const auto policy, read_text(policy_path));
    return explain_ima_policy(kernel, View(policy).text(), config,
                              crypto_of(config, Truth::unknown), event, evidence.file);
  }

  Result<KernelConfig> read_config() const {
    KernelConfig config;
    if (config_.empty()) return config;
    const auto text = read_text(config_);
    if (!text) return std::unexpected(with_path(text.error(), encode_name(config_)));
    auto parsed = KernelConfig::parse(View(*text).text());
    if (!parsed) return std::unexpected(with_path(parsed.error(), encode_name(config_)));
    return *std::move(parsed);
  }

  Result<std::vector<CheckedPolicyLine>> check_policy() const {
    ASSAY_TRY(const KernelConfig config, read_config());
    ASSAY_TRY(const auto policy, read_text(path_));
    return check_ima_policy(kernel_, View(policy).text(), config,
                            crypto_of(config, Truth::unknown));
  }

  CLI::App* policy_ = nullptr;
  CLI::App* check_ = nullptr;
  CLI::App* explain_ = nullptr;
  CLI::App* diff_ = nullptr;
  std::string second_;
  std::string second_version_;
  std::string func_;
  std::vector<std::string> files_;
  FactArguments facts_;
  std::string path_;
  std::string version_;
  std::string config_;
  KernelId kernel_;
};

}  // namespace

std::unique_ptr<Command> make_ima_command() { return std::make_unique<ImaCommand>(); }

}  // namespace assay
