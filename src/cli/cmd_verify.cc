// assay verify: are the signatures good under the kernel's rules, and which root do they end in?

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "base/name.h"
#include "cli/command.h"
#include "cli/progress_line.h"
#include "cli/trust_arguments.h"
#include "expect/expectation_file.h"
#include "report/drift_report.h"
#include "report/json.h"
#include "survey/file_facts.h"

namespace assay {

namespace {

constexpr std::array kStandings = {Standing::verified, Standing::unsigned_, Standing::untrusted,
                                   Standing::bad,      Standing::malformed, Standing::undetermined,
                                   Standing::unchecked};

class VerifyCommand final : public Command {
 public:
  const char* name() const override { return "verify"; }
  const char* purpose() const override {
    return "are the signatures good under the kernel's rules, and which root do they end in";
  }
  bool only_reads() const override { return true; }
  const char* arguments() const override { return "PATH..."; }
  const char* notes() const override {
    return R"(Without --trust and --kernel, a module is checked against the certificates built into the kernel
image of its release: in the same package or folder, in another PATH, installed on this host.

Standings: verified (good, and ends in a trusted root), unsigned, untrusted (no trusted key made
it), bad (the kernel rejects it whatever its policy), malformed, undetermined (could not be found
out), unchecked (a kind that is not checked yet).

Exit status: 0 every artifact is verified, 1 some are bad, malformed, untrusted or unsigned,
2 something could not be found out and nothing is known to be bad, or nothing was found.
Kernel images change it only with --trust, --strict or --fail-on; unchecked ones only with
--strict (2) or --fail-on. With --expect a drift makes it 1, and what the file says of unsigned
artifacts or of their status decides in place of these rules; bad and malformed ones stay 1.

Examples:
  assay verify linux-image-6.1.0-56-amd64_6.1.192-2_amd64.deb
  assay verify --kernel /boot/vmlinuz-6.1.0-56-amd64 module.ko
  assay verify --trust mok.der /lib/modules/6.1.0-56-amd64/updates
  assay verify --expect kernel.expect.toml linux-image-6.1.0-57-amd64_6.1.201-1_amd64.deb
)";
  }

  void add_options(CLI::App& app) override {
    app.add_option(
           "PATH", paths_,
           "modules, kernel images, folders, packages, archives, images; - is standard input")
        ->option_text(" ");
    trust_.add_to(app);
    app.add_option("--require-root", required_roots_,
                   "accept only chains that end in one of these certificates (repeatable)")
        ->type_name("FILE")
        ->option_text("FILE")
        ->allow_extra_args(false);
    app.add_option("--evm-key", evm_key_, "the key of EVM's HMAC, as it is, for security.evm")
        ->type_name("FILE")
        ->option_text("FILE");
    app.add_option("--fsuuid", fs_uuid_, "the UUID of the file system, which an HMAC covers")
        ->type_name("UUID")
        ->option_text("UUID");
    app.add_flag("--all", all_, "every file is an artifact, signed or not");
    app.add_flag(
        "--strict", strict_,
        "kernel images count like the rest, what is unchecked was not found out, and bytes "
        "of a certificate table that belong to no signature are bad");
    app.add_option("--as", verifier_,
                   "who looks at PE images: kernel (the default), firmware, shim, grub (which also "
                   "looks at appended signatures of kernels)")
        ->type_name("VERIFIER")
        ->option_text("VERIFIER")
        ->check(CLI::IsMember({"kernel", "firmware", "shim", "grub"}));
    app.add_option("--fail-on", fail_on_,
                   "comma-separated standings that make the exit status 1; bad and malformed "
                   "always do")
        ->type_name("LIST")
        ->option_text("LIST")
        ->allow_extra_args(false)
        ->delimiter(',')
        ->check(CLI::IsMember(standing_names()));
    app.add_option("--expect", expect_,
                   "fail where what is found is not as this file says, which `assay expect init` "
                   "wrote (docs/expect.md)")
        ->type_name("FILE")
        ->option_text("FILE");
  }

  Result<void> check() const override { return require_paths(paths_); }

  ExitStatus run(const CommonOptions& common, Output& output) override {
    const auto warn = [&output](const Error& error) { output.error(error); };
    auto trust = trust_.load(warn);
    if (!trust) return refuse(trust.error(), output);
    if (!expect_.empty()) {
      auto expectation = load_expectation(expect_);
      if (!expectation) return refuse(expectation.error(), output);
      expectation_ = *std::move(expectation);
    }
    VerifyOptions verify;
    verify.explain = common.verbose > 0;
    verify.pe.strict = strict_;
    verify.pe.version = trust->version;
    verify.pe.material = trust->material;
    for (const BootVerifier verifier :
         {BootVerifier::firmware, BootVerifier::shim, BootVerifier::grub})
      if (verifier_ == verifier_name(verifier)) verify.pe.verifier = verifier;
    if (!evm_key_.empty()) {
      auto key = load_evm_key(evm_key_);
      if (!key) return refuse(with_path(key.error(), evm_key_), output);
      verify.evm.key = *key;
    }
    if (!fs_uuid_.empty()) {
      verify.evm.fs_uuid = parse_fs_uuid(fs_uuid_);
      if (!verify.evm.fs_uuid)
        return refuse({Reason::usage, {}, "", "--fsuuid wants a UUID, not " + fs_uuid_}, output);
    }
    for (const std::string& path : required_roots_) {
      auto roots = load_certificates(path, warn);
      if (!roots) return refuse(roots.error(), output);
      std::ranges::move(*roots, std::back_inserter(verify.required_roots));
    }
    return survey_all(common, *trust, verify, output);
  }

 private:
  static ExitStatus refuse(const Error& error, Output& output) {
    output.error(error);
    return kUndetermined;
  }

  static std::vector<std::string> standing_names() {
    std::vector<std::string> names;
    for (const Standing standing : kStandings) names.emplace_back(standing_name(standing));
    return names;
  }

  ExitStatus survey_all(const CommonOptions& common, const TrustOptions& trust,
                        const VerifyOptions& verify, Output& output) {
    const TextStyle style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    Groups groups;
    SurveyOptions options{paths_, common.job_count(), all_, {}, &numbers};
    options.contents = expectation_.has_value();
    Inventory inventory;
    const Summary summary =
        survey_and_verify(options, trust, verify, [&](const ArtifactReport& report) {
          note(report, trust.material != nullptr);
          if (expectation_) inventory.add(report);
          const bool is_problem =
              report.standing != Standing::verified && report.standing != Standing::unchecked;
          if (common.json || style.verbose) {
            progress.hide();
            output.print(common.json ? to_json(report) + '\n' : to_text(report, style));
          } else if (!common.quiet || is_problem) {
            const std::string at_once = add_to(groups, report, style);
            if (at_once.empty()) return;
            progress.hide();
            output.print(at_once);
          }
        });
    progress.hide();
    if (!common.json) output.print(groups.to_text(common.quiet));
    if (expectation_) tell_drifts(find_drifts(*expectation_, inventory), common, output);
    if (common.json)
      output.print(to_json(summary) + '\n');
    else if (!common.quiet)
      output.print(to_text(summary));
    warn_of_empty_paths(summary.empty_paths, kAnyArtifact, output);
    if (bad_) return kBad;
    return undetermined_ || summary.artifacts == 0 ? kUndetermined : kGood;
  }

  void tell_drifts(const std::vector<Drift>& drifts, const CommonOptions& common, Output& output) {
    for (const Drift& drift : drifts) {
      (drift.is_determined ? bad_ : undetermined_) = true;
      output.print(common.json ? to_json(drift) + '\n' : to_text(drift, common.text_style()));
    }
    if (!common.json && !common.quiet)
      output.print(
          fmt::format("{} from {}\n", count_of(drifts.size(), "drift"), encode_name(expect_)));
  }

  // Does the expectation say what is to become of it? What it finds wrong is a drift.
  bool is_left_to_expectation(const ArtifactReport& report) const {
    const auto group = group_of(report);
    if (!expectation_ || !group) return false;
    const bool is_record = is_record_alone(report);
    const bool is_bare = is_record ? report.standing == Standing::unsigned_ : is_unsigned(report);
    const ExpectKey key = is_bare ? ExpectKey::unsigned_ : ExpectKey::status;
    return expectation_->at(is_record ? Group::ima : *group, key).has_value();
  }

  // One known bad artifact decides, whatever else could not be found out.
  void note(const ArtifactReport& report, bool with_trust) {
    const Standing standing = report.standing;
    const bool always = standing == Standing::bad || standing == Standing::malformed;
    undetermined_ = undetermined_ || (strict_ && standing == Standing::unchecked);
    if (!fail_on_.empty()) {
      const bool listed = std::ranges::find(fail_on_, standing_name(standing)) != fail_on_.end();
      bad_ = bad_ || listed || always;
      undetermined_ = undetermined_ || (standing == Standing::undetermined && !listed);
      return;
    }
    if (!always && is_left_to_expectation(report)) return;
    if (report.is_image && !always && !with_trust && !strict_) return;
    bad_ = bad_ || always || standing == Standing::untrusted || standing == Standing::unsigned_;
    undetermined_ = undetermined_ || standing == Standing::undetermined;
  }

  std::vector<std::string> paths_;
  TrustArguments trust_;
  std::vector<std::string> required_roots_;
  std::vector<std::string> fail_on_;
  std::string expect_;
  std::optional<Expectation> expectation_;
  std::string evm_key_;
  std::string fs_uuid_;
  bool all_ = false;
  bool strict_ = false;
  std::string verifier_ = "kernel";
  bool bad_ = false;
  bool undetermined_ = false;
};

}  // namespace

std::unique_ptr<Command> make_verify_command() { return std::make_unique<VerifyCommand>(); }

}  // namespace assay
