// assay ima: what IMA makes of a policy.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "base/hex.h"
#include "base/name.h"
#include "bytes/content.h"
#include "bytes/pseudo_file.h"
#include "cli/command.h"
#include "cli/edit_arguments.h"
#include "cli/fact_arguments.h"
#include "cli/help.h"
#include "cli/policy_kernel_arguments.h"
#include "edit/ima_convert.h"
#include "report/boot_aggregate_report.h"
#include "report/policy_report.h"
#include "survey/ima_records.h"
#include "trust/certificate_file.h"

namespace assay {

namespace {

constexpr const char* kCheckNotes =
    R"(Each rule is held against the kernel's parser, with what is odd about those it takes. A policy is
taken whole or not at all: the last line says whether this one is.

Exit status: 0 the kernel loads the policy, 1 it does not, 2 something could not be found out.

Examples:
  assay ima policy check --kernel-version 6.1 /etc/ima/ima-policy
  assay ima policy check --config /boot/config-6.12.0-amd64 --json policy
  assay ima policy check --cmdline 'ima_policy=appraise_tcb' policy
)";

constexpr const char* kExplainNotes =
    R"(What becomes of a file at a hook, rule by rule: which condition does not hold, which rules match,
and what they require. The file is described by options, or is --file, as it lies. Without FILE, the
rules that are in force after boot: --cmdline names them.

Exit status: 0 the policy is taken, 1 some rule of it is refused, 2 something could not be found out.

Examples:
  assay ima policy explain --func BPRM_CHECK --file /usr/bin/passwd policy
  assay ima policy explain --func MODULE_CHECK --fowner 0 --fsmagic 0x1021994 policy
  assay ima policy explain --func FILE_CHECK --fowner 0 --uid 0 --cmdline 'ima_policy=tcb|appraise_tcb'
)";

constexpr const char* kDiffNotes =
    R"(Which files change their fate between two policies, or with --second-kernel-version between two
kernels; at every hook of files, or at that of --func. Without SECOND, FILE is compared with the
rules that were in force before it was loaded: --cmdline names them.

Exit status: 0 no difference, 1 some, 2 something could not be found out.

Examples:
  assay ima policy diff old new --file /usr/bin/passwd --file /usr/lib/firmware/regulatory.db
  assay ima policy diff --kernel-version 6.1 --second-kernel-version 7.2 --fowner 0 policy policy
  assay ima policy diff --cmdline ima_policy=secure_boot --fowner 0 policy
)";

constexpr const char* kConvertNotes =
    R"(A signature of version 2 in security.ima (or FILE.sig) becomes a message appended to the file, as IMA's
modsig wants it, or the other way round. An RSA key signs the same in both, so that none is needed; what
does not verify with the certificate is not converted. The attribute covers the whole file: appending
takes it out, and converting back takes the message out.

Exit status: 0 all is done, 1 a file has no such signature, 2 something could not be read or written.

Examples:
  assay ima convert --to appended --cert ima.pem -o image.signed image
  sudo assay ima convert --to xattr --cert ima.pem --in-place image.signed
)";

constexpr const char* kAggregateNotes =
    R"(What the first entry of IMA's measurement list, boot_aggregate, has to be, from the firmware's event
log LOG: each event is replayed into the registers that it names, and the registers 0 to 9 (of SHA-1:
0 to 7) are hashed as the kernel hashes them. The bank is that of IMA's hash, else SHA-256's or SHA-1's.

Exit status: 0 done, and the list agrees, 1 the list has another value or none, 2 something could not
be read.

Examples:
  sudo assay ima boot-aggregate /sys/kernel/security/tpm0/binary_bios_measurements
  sudo assay ima boot-aggregate --list ascii_runtime_measurements binary_bios_measurements
)";

// The largest log that the kernel hands over is one of a few hundred KiB.
constexpr std::uint64_t kLargestLog = 64 << 20;

class ImaCommand final : public Command {
 public:
  const char* name() const override { return "ima"; }
  const char* purpose() const override {
    return "what IMA makes of a policy; its signatures in another form";
  }
  const char* arguments() const override { return "COMMAND"; }
  const char* notes() const override {
    return "`assay ima convert --help`, `assay ima boot-aggregate --help`, "
           "`assay ima policy check|explain|diff --help` explain one.\n";
  }

  void add_options(CLI::App& app) override {
    policy_ = app.add_subcommand("policy", "check, explain and compare policies of IMA");
    check_ = policy_->add_subcommand("check", "would a kernel load this policy, rule by rule");
    explain_ = policy_->add_subcommand("explain", "which rules a file meets at a hook");
    diff_ = policy_->add_subcommand("diff", "which files change their fate between two policies");
    set_up_help(*policy_, "COMMAND", notes());
    set_up_help(*check_, "FILE", kCheckNotes);
    set_up_help(*explain_, "--func HOOK [FILE]", kExplainNotes);
    set_up_help(*diff_, "FILE [SECOND]", kDiffNotes);
    for (CLI::App* each : {check_, explain_, diff_}) {
      each->add_option("FILE", path_, "a policy")->option_text(" ");
      kernel_.add_options(*each);
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
    convert_ =
        app.add_subcommand("convert", "a signature of IMA in its other form, without the key");
    set_up_help(*convert_, "PATH...", kConvertNotes);
    edit_.add_to(*convert_, "files");
    convert_->add_option("--to", to_, "appended or xattr")
        ->type_name("FORM")
        ->option_text("FORM")
        ->check(CLI::IsMember({"appended", "xattr"}));
    convert_->add_option("--cert", certificate_, "the certificate of the key, PEM or DER")
        ->type_name("FILE")
        ->option_text("FILE");
    aggregate_ = app.add_subcommand("boot-aggregate",
                                    "the first entry of IMA's list, from the firmware's log");
    set_up_help(*aggregate_, "LOG", kAggregateNotes);
    aggregate_->add_option("LOG", log_, "binary_bios_measurements")->option_text(" ");
    aggregate_->add_option("--hash", hash_, "IMA's hash: ima_hash= (default: sha256)")
        ->type_name("NAME")
        ->option_text("NAME");
    aggregate_->add_option("--list", list_, "ascii_runtime_measurements, to compare with")
        ->type_name("FILE")
        ->option_text("FILE");
    for (CLI::App* each : {policy_, check_, explain_, diff_, convert_, aggregate_})
      each->fallthrough();
  }

  Result<void> check() const override {
    if (convert_->parsed()) {
      ASSAY_CHECK(edit_.check());
      if (to_.empty()) return fail(Reason::usage, {}, "--to is missing");
      if (certificate_.empty()) return fail(Reason::usage, {}, "--cert is missing");
      return {};
    }
    if (aggregate_->parsed()) {
      if (log_.empty()) return fail(Reason::usage, {}, "LOG is missing");
      if (!find_hash(hash_))
        return fail(Reason::usage, {}, "--hash: unknown digest " + encode_name(hash_));
      return {};
    }
    if (!policy_->parsed())
      return fail(Reason::usage, {}, "policy, convert or boot-aggregate is missing");
    if (!check_->parsed() && !explain_->parsed() && !diff_->parsed())
      return fail(Reason::usage, {}, "check, explain or diff is missing");
    if (explain_->parsed() && func_.empty()) return fail(Reason::usage, {}, "--func is missing");
    if (explain_->parsed() && files_.size() > 1)
      return fail(Reason::usage, {}, "explain takes one --file");
    if (!func_.empty() && find_ima_func(func_) == nullptr)
      return fail(Reason::usage, {}, "unknown hook " + encode_name(func_));
    const bool has_builtin = kernel_.names_builtin_policies();
    if (path_.empty() && !(explain_->parsed() && has_builtin))
      return fail(Reason::usage, {}, "FILE is missing");
    if (diff_->parsed() && second_.empty() && !has_builtin)
      return fail(Reason::usage, {}, "SECOND is missing");
    if (!second_version_.empty() && !find_kernel_version(second_version_))
      return fail(Reason::usage, {}, "unknown kernel version " + encode_name(second_version_));
    ASSAY_CHECK(facts_.read());
    return kernel_.check();
  }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    if (convert_->parsed()) return convert(common, output);
    if (aggregate_->parsed()) return boot_aggregate(common, output);
    const auto kernel = kernel_.read();
    if (!kernel) {
      output.error(kernel.error());
      return kUndetermined;
    }
    if (explain_->parsed()) return explain(common, output, *kernel);
    if (diff_->parsed()) return compare(common, output, *kernel);
    return check_policy(common, output, *kernel);
  }

 private:
  static Result<std::vector<std::uint8_t>> read_measurements(const std::string& path) {
    ASSAY_TRY(auto bytes, read_pseudo_file(path, kLargestLog));
    if (!bytes) return fail(Reason::cannot_open, {}, "there is no such file");
    return *std::move(bytes);
  }

  ExitStatus boot_aggregate(const CommonOptions& common, Output& output) const {
    BootAggregateReport report;
    report.path = encode_name(log_);
    const auto compute = [&]() -> Result<void> {
      ASSAY_TRY(const auto bytes, read_measurements(log_));
      ASSAY_TRY(const TpmEventLog log, parse_tpm_event_log(View(bytes)));
      ASSAY_TRY(report.computed, compute_boot_aggregate(log, *find_hash(hash_)));
      return {};
    };
    const auto compare_list = [&]() -> Result<void> {
      ASSAY_TRY(const auto bytes, read_measurements(list_));
      ASSAY_TRY(report.listed, find_boot_aggregates(View(bytes).text()));
      return {};
    };
    auto done = compute();
    if (!done) {
      output.error(with_path(done.error(), report.path));
      return kUndetermined;
    }
    report.has_list = !list_.empty();
    if (report.has_list) done = compare_list();
    if (!done) {
      output.error(with_path(done.error(), encode_name(list_)));
      return kUndetermined;
    }
    output.print(common.json ? to_json(report) + '\n' : to_text(report, common.verbose > 0));
    return report.has_list && !report.agrees() ? kBad : kGood;
  }

  ExitStatus convert(const CommonOptions& common, Output& output) const {
    const auto loaded = load_certificates(certificate_, [](const Error&) {});
    if (!loaded || loaded->empty()) {
      output.error(loaded ? Error{Reason::usage, {}, "no certificate", encode_name(certificate_)}
                          : loaded.error());
      return kUndetermined;
    }
    const auto raw = loaded->front()->x509().raw.bytes();
    const SigningCertificate certificate{{raw.begin(), raw.end()}, {}};
    const auto edit = [&](const Artifact& artifact, bool) -> Result<std::optional<Edited>> {
      if (to_ == "xattr") {
        ASSAY_TRY(Edited edited, detach_ima_signature(artifact, certificate));
        return edited;
      }
      ASSAY_TRY(const auto attribute, read_attribute(artifact));
      ASSAY_TRY(Edited edited, append_ima_signature(artifact, View(attribute), certificate));
      return edited;
    };
    return edit_.run(common, "convert", "converted", {}, edit, output);
  }

  // security.ima of the file, else the one beside it.
  static Result<std::vector<std::uint8_t>> read_attribute(const Artifact& artifact) {
    if (const auto found = artifact.attributes.find("security.ima");
        found != artifact.attributes.end())
      return found->second;
    auto beside = read_text_file(artifact.path + ".sig");
    if (beside && is_ima_signature(View(*beside))) return beside;
    return fail(Reason::no_record, {}, "neither security.ima nor a file beside it");
  }

  ExitStatus check_policy(const CommonOptions& common, Output& output,
                          const PolicyKernel& kernel) const {
    const std::string path = encode_name(path_);
    const auto policy = read_text_file(path_);
    if (!policy) {
      output.error(with_path(policy.error(), path));
      return kUndetermined;
    }
    const CheckedPolicy checked = check_ima_policy(kernel.id, View(*policy).text(), kernel.setup());
    for (const CheckedPolicyLine& line : checked.lines)
      output.print(common.json ? to_json(line, path) + '\n'
                               : to_text(line, path, common.text_style()));
    const PolicyParser parser{kernel.id, kernel.id_from};
    if (common.json)
      output.print(to_json(checked, path, parser) + '\n');
    else if (!common.quiet)
      output.print(to_text(checked, path, parser));
    if (checked.refused != 0 || checked.loads == Truth::no) return kBad;
    return checked.loads == Truth::yes ? kGood : kUndetermined;
  }

  ExitStatus explain(const CommonOptions& common, Output& output,
                     const PolicyKernel& kernel) const {
    const ImaHook hook = find_ima_func(func_)->hook;
    const std::string path = encode_name(path_);
    const auto explained =
        explain_policy(path_, kernel, files_.empty() ? "" : files_.front(), hook);
    if (!explained) {
      output.error(explained.error());
      return kUndetermined;
    }
    output.print(common.json ? to_json(*explained, path, hook) : to_text(*explained, path, hook));
    if (explained->refused_line != 0) return kBad;
    return explained->open.empty() ? kGood : kUndetermined;
  }

  // One of the two that are compared.
  struct Side {
    PolicyKernel kernel;
    std::optional<std::vector<std::uint8_t>> policy;  // nothing: the rules in force after boot
    // Rules look at a file's owner and file system, not at its path: files that are alike in those
    // share a fate.
    std::map<std::pair<ImaHook, std::string>, ExplainedPolicy> known = {};
  };

  // Every file, at every hook that has files.
  ExitStatus compare(const CommonOptions& common, Output& output,
                     const PolicyKernel& kernel) const {
    const bool with_boot = second_.empty();
    Side first{kernel, std::nullopt};
    Side second{kernel, std::nullopt};
    if (!second_version_.empty()) second.kernel.id.version = *find_kernel_version(second_version_);
    auto facts = facts_.read();
    auto read = facts ? read_policy(with_boot ? path_ : second_) : std::unexpected(facts.error());
    if (read) second.policy = *std::move(read);
    if (read && !with_boot) {
      read = read_policy(path_);
      if (read) first.policy = *std::move(read);
    }
    if (!read) {
      output.error(read.error());
      return kUndetermined;
    }
    std::vector<std::string> files = files_;
    if (files.empty()) files.emplace_back();  // the one that the options describe
    ExitStatus status = kGood;
    for (const std::string& file : files) {
      const auto evidence = collect_ima_file(ViewContent(View()), file, *facts, {});
      if (!evidence) {
        output.error(evidence.error());
        return kUndetermined;
      }
      for (const ImaHook hook : hooks_to_compare()) {
        const ExplainedPolicy& before = fate_of(first, *facts, evidence->file, hook);
        const ExplainedPolicy& after = fate_of(second, *facts, evidence->file, hook);
        if (status == kGood && !(before.open.empty() && after.open.empty())) status = kUndetermined;
        const PolicyDifference difference{encode_name(file), hook, describe_fate(before),
                                          describe_fate(after)};
        if (difference.first == difference.second) continue;
        status = kBad;
        output.print(common.json ? to_json(difference) + '\n' : to_text(difference));
      }
    }
    return status;
  }

  static const ExplainedPolicy& fate_of(Side& side, const FileFacts& facts, const ImaFile& file,
                                        ImaHook hook) {
    const ImaFilesystem& on = file.filesystem;
    const auto text = [](const auto& value) { return value ? fmt::format("{}", *value) : "?"; };
    const std::string alike =
        fmt::format("{} {} {} {} {}", text(file.owner), text(file.group), text(on.magic),
                    on.uuid ? to_hex(*on.uuid) : "?", static_cast<int>(on.has_xattrs));
    auto [found, is_new] = side.known.try_emplace({hook, alike});
    if (is_new) found->second = explain_on(side, facts, file, hook);
    return found->second;
  }

  static Result<std::vector<std::uint8_t>> read_policy(const std::string& path) {
    auto read = read_text_file(path);
    if (!read) return std::unexpected(with_path(read.error(), encode_name(path)));
    return read;
  }

  std::vector<ImaHook> hooks_to_compare() const {
    if (!func_.empty()) return {find_ima_func(func_)->hook};
    return {ImaHook::file_check,   ImaHook::mmap_check,         ImaHook::bprm_check,
            ImaHook::creds_check,  ImaHook::module_check,       ImaHook::firmware_check,
            ImaHook::policy_check, ImaHook::kexec_kernel_check, ImaHook::kexec_initramfs_check};
  }

  // An empty `policy_path`: the rules in force after boot.
  Result<ExplainedPolicy> explain_policy(const std::string& policy_path, const PolicyKernel& kernel,
                                         const std::string& file, ImaHook hook) const {
    ASSAY_TRY(const FileFacts facts, facts_.read());
    ASSAY_TRY(const ImaEvidence evidence, collect_ima_file(ViewContent(View()), file, facts, {}));
    Side side{kernel, std::nullopt};
    if (!policy_path.empty()) {
      ASSAY_TRY(side.policy, read_policy(policy_path));
    }
    return explain_on(side, facts, evidence.file, hook);
  }

  static ExplainedPolicy explain_on(const Side& side, const FileFacts& facts, const ImaFile& file,
                                    ImaHook hook) {
    PolicyKernel kernel = side.kernel;
    if (!kernel.config.is_known()) {
      kernel.config = config_with_all_of_ima();
      kernel.crypto = crypto_of(kernel.config, Truth::unknown);
    }
    ImaEvent event;
    event.hook = hook;
    event.mask = facts.mask.value_or(usual_mask(event.hook));
    if (facts.uid) event.subject = ImaSubject::with_ids(*facts.uid, *facts.uid);
    std::optional<std::string_view> policy;
    if (side.policy) policy = View(*side.policy).text();
    return explain_ima_policy(kernel.id, policy, kernel.setup(), event, file);
  }

  CLI::App* policy_ = nullptr;
  CLI::App* check_ = nullptr;
  CLI::App* explain_ = nullptr;
  CLI::App* diff_ = nullptr;
  CLI::App* convert_ = nullptr;
  CLI::App* aggregate_ = nullptr;
  EditArguments edit_;
  std::string to_;
  std::string certificate_;
  PolicyKernelArguments kernel_;
  std::string second_;
  std::string second_version_;
  std::string func_;
  std::vector<std::string> files_;
  FactArguments facts_;
  std::string path_;
  std::string log_;
  std::string hash_ = "sha256";
  std::string list_;
};

}  // namespace

std::unique_ptr<Command> make_ima_command() { return std::make_unique<ImaCommand>(); }

}  // namespace assay
