// assay verify: are the signatures good under the kernel's rules, and which root do they end in?

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "base/name.h"
#include "cli/command.h"
#include "cli/progress_line.h"
#include "cli/trust_arguments.h"
#include "report/json.h"
#include "trust/certificate_file.h"

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

  void add_options(CLI::App& app) override {
    app.add_option("PATH", paths_, "modules, kernel images, folders, packages (.deb)")->required();
    trust_.add_to(app);
    app.add_option("--require-root", required_roots_,
                   "accept only chains that end in one of these certificates")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app.add_flag("--all", all_, "every file is an artifact, signed or not");
    app.add_flag("--strict", strict_, "kernel images count too, whatever their standing");
    app.add_option("--fail-on", fail_on_, "comma-separated standings that make the exit status 1")
        ->delimiter(',')
        ->check(CLI::IsMember(standing_names()));
  }

  ExitStatus run(const CommonOptions& common) override {
    auto trust = trust_.load();
    if (!trust) return refuse(trust.error());
    VerifyOptions verify;
    verify.explain = common.verbose > 0;
    for (const std::string& path : required_roots_) {
      auto roots = load_certificates(path);
      if (!roots) return refuse(roots.error());
      std::ranges::move(*roots, std::back_inserter(verify.required_roots));
    }
    return survey_all(common, *trust, verify);
  }

 private:
  static ExitStatus refuse(const Error& error) {
    print_error(error);
    return kUndetermined;
  }

  static std::vector<std::string> standing_names() {
    std::vector<std::string> names;
    for (const Standing standing : kStandings) names.emplace_back(standing_name(standing));
    return names;
  }

  ExitStatus survey_all(const CommonOptions& common, const TrustOptions& trust,
                        const VerifyOptions& verify) {
    const TextStyle style = common.text_style();
    Progress numbers;
    ProgressLine progress(numbers, !common.quiet);
    VerifiedGroups groups;
    SurveyOptions options{paths_, common.job_count(), all_, {}, &numbers};
    const Summary summary =
        survey_and_verify(options, trust, verify, [&](const ArtifactReport& report) {
          note(report, trust.has_certificates);
          const std::string text = common.json ? to_json(report) + '\n' : to_text(report, style);
          if (!common.json) groups.add(report);
          if (text.empty() ||
              (common.quiet && !common.json && report.standing == Standing::unchecked))
            return;
          progress.hide();
          fmt::print("{}", text);
        });
    progress.hide();
    if (common.json)
      fmt::print("{}\n", to_json(summary));
    else if (!common.quiet)
      fmt::print("{}", groups.to_text(summary, style));
    if (summary.artifacts == 0) fmt::print(stderr, "assay: nothing here carries a signature, or should\n");
    return bad_ ? kBad : undetermined_ ? kUndetermined : kGood;
  }

  // One known bad artifact decides, whatever else could not be found out.
  void note(const ArtifactReport& report, bool with_trust) {
    const Standing standing = report.standing;
    if (!fail_on_.empty()) {
      const bool listed = std::ranges::find(fail_on_, standing_name(standing)) != fail_on_.end();
      bad_ = bad_ || listed;
      undetermined_ = undetermined_ || (standing == Standing::undetermined && !listed);
      return;
    }
    const bool always = standing == Standing::bad || standing == Standing::malformed;
    if (report.is_image && !always && !with_trust && !strict_) return;
    bad_ = bad_ || always || standing == Standing::untrusted || standing == Standing::unsigned_;
    undetermined_ = undetermined_ || standing == Standing::undetermined;
  }

  std::vector<std::string> paths_;
  TrustArguments trust_;
  std::vector<std::string> required_roots_;
  std::vector<std::string> fail_on_;
  bool all_ = false;
  bool strict_ = false;
  bool bad_ = false;
  bool undetermined_ = false;
};

}  // namespace

std::unique_ptr<Command> make_verify_command() { return std::make_unique<VerifyCommand>(); }

}  // namespace assay
